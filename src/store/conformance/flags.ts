/** Flags in ranges: rows, tables and counts say the same, whatever is asked. RFC 9051 §6.4.6. */
import assert from 'node:assert/strict'
import { deletedBit, seenBit } from '../../mail/flags.ts'
import type { Uid } from '../../mail/ids.ts'
import { factsOfBytes } from '../facts.ts'
import { addAccount, arrival, message, nowMs, refused, stored, type Check } from './fixtures.ts'

const names = ['\\Seen', '\\Deleted', '\\Flagged', 'k1', 'k2', ...Array.from({ length: 14 }, (_, n) => `more${n}`)]
const asked = ['\\Seen', '\\Deleted', '\\Flagged', 'k1', 'more13']

/** Numbers from 0 to `below` that are the same in every run. */
function pseudoRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >> 8) % below
  }
}

export function flagChecks(check: Check): void {
  check(
    'flags of ranges: every change is in rows, tables and counts, and nothing else has its modSeq',
    async (store) => {
      const bob = await addAccount(store, 'bob@example.org')
      for (let n = 0; n < 12; n++) await store.commit([await arrival(store, message(`m${n}`), [bob.inbox])])
      // The keywords reach into the second word of the flags.
      await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags: names }])
      await store.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[1, 1]], force: true, nowMs }])
      await store.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[6, 7]], force: true, nowMs }])
      const table = await store.read.table(bob.inbox)
      const expected = new Map<number, Set<string>>()
      for (const uid of table.view().uids.subarray(0, table.view().count)) expected.set(uid, new Set())
      const random = pseudoRandom(7)
      for (let round = 0; round < 60; round++) {
        const first = 1 + random(8)
        const uids = [
          [first, first + random(3)],
          [first + 4, 12 + random(1000)],
        ] as const
        const mode = (['add', 'remove', 'replace'] as const)[random(3)]!
        const flags = asked.filter(() => random(3) === 0)
        const before = new Map([...expected].map(([uid, has]) => [uid, new Set(has)]))
        const [{ modSeq }] = await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids, mode, flags }])
        for (const [uid, has] of expected) {
          if (!uids.some(([a, b]) => a <= uid && uid <= b)) continue
          if (mode === 'replace') has.clear()
          for (const flag of flags) {
            if (mode === 'remove') has.delete(flag)
            else has.add(flag)
          }
        }
        const { count, uids: held, flagsLow, modSeqs } = table.view()
        let anyChanged = false
        for (let at = 0; at < count; at++) {
          const uid = held[at]!
          const isChanged = [...before.get(uid)!].sort().join() !== [...expected.get(uid)!].sort().join()
          anyChanged ||= isChanged
          if (isChanged) assert.equal(modSeqs[at], modSeq)
          else assert.ok(modSeqs[at]! < modSeq || modSeq === table.highestModSeq)
        }
        const mailbox = (await store.read.mailbox(bob.inbox))!
        const low = [...flagsLow.subarray(0, count)]
        assert.equal(mailbox.unseen, low.filter((bits) => !(bits & seenBit)).length)
        assert.equal(mailbox.deleted, low.filter((bits) => bits & deletedBit).length)
        assert.equal(mailbox.highestModSeq, table.highestModSeq)
        if (anyChanged) assert.equal(mailbox.highestModSeq, modSeq)
        for (const flag of asked) {
          const having = [...expected].filter(([, has]) => has.has(flag)).map(([uid]) => uid as Uid)
          const found = await store.read.search(bob.inbox, { kind: 'flag', flag }, [[1, 0xffff_ffff]])
          assert.deepEqual([...found], having, `rows, ${flag}`)
          const bit = table.flagNames.indexOf(flag)
          const word = bit < 31 ? flagsLow : table.view().flagsHigh
          const inTable = [...held.subarray(0, count)].filter((_, at) => word[at]! & (1 << (bit % 31)))
          assert.deepEqual(inTable, having, `table, ${flag}`)
        }
      }
      table.release()
    },
  )

  check('a range without a change takes no modSeq, and tells no news', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    for (let n = 0; n < 3; n++) await store.commit([await arrival(store, message(`m${n}`), [bob.inbox])])
    const add = { kind: 'flags', mailbox: bob.inbox, uids: [[1, 9]], mode: 'add', flags: ['\\Seen'] } as const
    const [{ modSeq }] = await store.commit([add])
    const heard: string[] = []
    const stop = store.listen((changes) => heard.push(...changes.map(({ kind }) => kind)))
    assert.equal((await store.commit([add]))[0].modSeq, modSeq)
    assert.equal((await store.commit([{ ...add, uids: [[7, 9]] }]))[0].modSeq, modSeq)
    await new Promise((resolve) => setImmediate(resolve))
    stop()
    assert.deepEqual(heard, [])
    assert.equal((await store.read.mailbox(bob.inbox))!.highestModSeq, modSeq)
  })

  check('keywords of a commit that is refused leave nothing behind: neither a bit nor a name', async (store) => {
    const bob = await addAccount(store, 'bob@example.org', 2000)
    const append = async (flags: readonly string[], body = '') =>
      ({
        kind: 'append',
        mailbox: bob.inbox,
        content: await stored(store, message('m', body)),
        facts: factsOfBytes(message('m', body)).facts,
        internalDate: { epochMs: nowMs, offsetMinutes: 0 },
        savedAtMs: nowMs,
        flags,
      }) as const
    const tooLarge = 'x'.repeat(3000)
    // Once before the names of the account are in memory, once behind.
    for (const name of ['First', 'Second']) {
      await refused(store.commit([await append([name]), await append([], tooLarge)]), 'overQuota')
      await refused(
        store.commit([await append(Array.from({ length: 60 }, (_, n) => `${name}${n}`))]),
        'tooManyKeywords',
      )
      const table = await store.read.table(bob.inbox)
      assert.ok(!table.flagNames.some((one) => one?.startsWith(name)))
      await store.commit([await append([name])])
      const bit = table.flagNames.indexOf(name)
      const { flagsLow, count } = table.view()
      assert.ok(bit > 0)
      assert.equal(flagsLow[count - 1], 1 << bit)
      table.release()
    }
    const table = await store.read.table(bob.inbox)
    assert.equal(table.flagNames.indexOf('Second'), table.flagNames.indexOf('First') + 1)
    table.release()
  })
}
