import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryBackend } from './memory/backend.ts'
import type { ImapAccount } from './backend.ts'
import { Out } from './out.ts'
import { View } from './view.ts'
import { Line } from './wire/line.ts'

async function account(): Promise<ImapAccount> {
  const backend = new MemoryBackend()
  backend.addUser('u', 'p')
  return backend.open({ accountId: 1, name: 'u' })
}

const set = (text: string) => new Line(Buffer.from(text)).sequenceSet()

async function append(to: ImapAccount): Promise<void> {
  const sink = to.appendSink()
  sink.write(Buffer.from('a: b\r\n\r\n'))
  await to.append('INBOX', [{ content: await sink.finish(), flags: [] }])
}

/** What a client makes of what it is told: a list of UIDs by sequence number, and their flags. */
class Client {
  readonly view: View
  readonly uids: (number | undefined)[] = []
  readonly flags: (string | undefined)[] = []

  constructor(view: View) {
    this.view = view
    for (let i = 0; i < view.count; i++) {
      this.uids.push(view.uids[i]!)
      const { flagsLow } = view.selected.table()
      this.flags.push(view.listed(view.flags(new Out()).encode(flagsLow[i]!, 0), view.uids[i]!))
    }
  }

  hear(expunge: boolean): void {
    const out = new Out()
    this.view.flushUpdates(out, expunge)
    for (const text of Buffer.from(out.take()).toString('latin1').split('\r\n').slice(0, -1)) {
      const [, number, word] = /^\* (\d+) (\w+)/.exec(text)!
      const n = Number(number)
      if (word === 'EXPUNGE') {
        assert.ok(expunge, 'an expunge was told in the middle of a FETCH')
        assert.ok(n >= 1 && n <= this.uids.length, 'an expunge of nothing')
        this.uids.splice(n - 1, 1)
        this.flags.splice(n - 1, 1)
      } else if (word === 'EXISTS') {
        assert.ok(n >= this.uids.length, 'EXISTS may not shrink')
        while (this.uids.length < n) {
          this.uids.push(undefined)
          // Who hears of an arrival asks for it.
          const uid = this.view.uids[this.uids.length - 1]!
          this.uids[this.uids.length - 1] = uid
          const { flagsLow } = this.view.selected.table()
          const index = this.view.selected.table().uids.indexOf(uid)
          this.flags.push(this.view.listed(this.view.flags(new Out()).encode(flagsLow[index]!, 0), uid))
        }
      } else if (word === 'FETCH') this.flags[n - 1] = /FLAGS \(([^)]*)\)/.exec(text)![1]
    }
    assert.equal(this.uids.length, this.view.count)
  }
}

test('sessions that hear of random arrivals, flags and expunges agree with the mailbox', async () => {
  const action = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('append', 'flag', 'unflag', 'expunge', 'hear', 'hear', 'hear quietly'),
    which: fc.nat(20),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const it = await account()
      await append(it)
      await append(it)
      const clients: Client[] = []
      for (let i = 0; i < 3; i++)
        clients.push(new Client(new View(await it.select('INBOX', { readOnly: i === 2, onChange: () => {} }))))
      for (const { who, what, which } of actions) {
        const client = clients[who]!
        const uid = client.uids[which % (client.uids.length || 1)]
        const { selected } = client.view
        if (what === 'append') await append(it)
        else if (what === 'hear') client.hear(true)
        else if (what === 'hear quietly') client.hear(false)
        else if (what === 'expunge') await selected.expunge()
        else if (uid !== undefined)
          await selected.store(Uint32Array.of(uid), what === 'flag' ? 'add' : 'remove', ['\\Deleted'])
      }
      for (const client of clients) {
        client.hear(true)
        const table = client.view.selected.table()
        assert.deepEqual(client.uids, [...table.uids.subarray(0, table.count)])
        const flags = client.uids.map((uid, i) =>
          client.view.listed(client.view.flags(new Out()).encode(table.flagsLow[i]!, 0), uid!),
        )
        assert.deepEqual(client.flags, flags)
        assert.equal(client.view.flushUpdates(new Out(), true), false, 'nothing is told twice')
      }
    }),
    { numRuns: 300 },
  )
})

test('each message is \\Recent to one session at most', async () => {
  const it = await account()
  await append(it)
  const open = async () => new View(await it.select('INBOX', { readOnly: false, onChange: () => {} }))
  const [first, second] = [await open(), await open()]
  assert.deepEqual([first.recentCount(), second.recentCount()], [1, 0])
  await append(it)
  second.flushUpdates(new Out(), true)
  first.flushUpdates(new Out(), true)
  assert.deepEqual([first.recentCount(), second.recentCount()], [1, 1])
  await append(it)
  first.flushUpdates(new Out(), true)
  assert.deepEqual(first.recent.ranges(), [
    [1, 1],
    [3, 3],
  ])
})

test('a set of numbers becomes UIDs, a set of UIDs passes over the unknown', async () => {
  const it = await account()
  for (let i = 0; i < 5; i++) await append(it)
  const selected = await it.select('INBOX', { readOnly: false, onChange: () => {} })
  await selected.store(Uint32Array.of(2, 3), 'add', ['\\Deleted'])
  await selected.expunge()
  const view = new View(selected)
  assert.deepEqual([...view.resolve(set('1:2'), false)], [1, 4])
  assert.deepEqual([...view.resolve(set('3:1'), false)], [1, 4, 5])
  assert.deepEqual([...view.resolve(set('2:4,99'), true)], [4])
  assert.deepEqual([...view.resolve(set('99:*'), true)], [5])
  assert.throws(() => view.resolve(set('4'), false), /message numbers up to 3/)
  assert.deepEqual(view.uidRanges(set('1:2'), false), [[1, 4]])
  assert.deepEqual(view.uidRanges(set('1,3'), false), [
    [1, 1],
    [5, 5],
  ])
})
