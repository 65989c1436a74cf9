/** What a node makes of changes that it reads before it hears of them, or reads in part only. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import type { Change } from '../changes.ts'
import { addAccount, arrival, message, nowMs } from '../conformance/fixtures.ts'
import { linksTo } from '../conformance/link.ts'
import type { EngineRows, StoreEngine } from '../engine.ts'
import { engineInMemory } from '../sqlite/engine.ts'
import type { Store } from '../store.ts'
import { nodeStore } from './node-store.ts'

const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

async function until(isSo: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !isSo(); n++) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('a first table between a COMMIT and its news: mailboxes and listeners hear of it all the same', async () => {
  const engine = engineInMemory({ clock: realClock, log: silentLog })
  let held: (() => void)[] | undefined
  let changed: Parameters<StoreEngine['attach']>[0] = () => {}
  engine.attach((changes) => {
    if (!held) return changed(changes)
    const waiting = held
    return new Promise<void>((resolve) => void waiting.push(() => resolve(changed(changes) as undefined)))
  })
  const store = await nodeStore({ ...engine, attach: (tell) => (changed = tell) }, realClock)
  const bob = await addAccount(store, 'bob@example.org')
  await store.commit([{ kind: 'mailboxCreate', account: bob.id, name: 'A' }])
  const a = await store.read.mailboxId(bob.id, 'A')
  assert.equal(await store.read.mailboxId(bob.id, 'B'), undefined)
  const heard: Change[] = []
  const stop = store.listen((changes) => void heard.push(...changes))
  const late: (() => void)[] = (held = [])
  const renaming = store.commit([{ kind: 'mailboxRename', account: bob.id, from: 'A', to: 'B', nowMs }])
  const arriving = store.commit([await arrival(store, message('m'), [bob.inbox])])
  await until(() => late.length > 0)
  await turns(5)
  const table = await store.read.table(bob.inbox)
  assert.equal(table.view().count, 1)
  held = undefined
  for (const go of late) go()
  await Promise.all([renaming, arriving])
  await turns(2)
  assert.equal(await store.read.mailboxId(bob.id, 'A'), undefined)
  assert.equal(await store.read.mailboxId(bob.id, 'B'), a)
  assert.ok(['mailboxes', 'added'].every((kind) => heard.some((change) => change.kind === kind)))
  assert.equal(table.view().count, 1)
  stop()
  table.release()
  await store.close()
})

/** Two nodes; the second hears nothing of the first, and looks for it. */
async function two(
  rowsOfSecond: (rows: EngineRows) => EngineRows = (rows) => rows,
): Promise<[Store, Store, () => StoreEngine]> {
  const link = linksTo(engineInMemory({ clock: realClock, log: silentLog }), {
    random: () => 0,
    weather: { lost: 100, twice: 0, late: 0 },
    later: async () => {},
  })
  const first = await nodeStore(link(), realClock)
  const second = link()
  return [first, await nodeStore({ ...second, rows: rowsOfSecond(second.rows) }, realClock), link]
}

test('a node that read a part of what it missed says so, and keeps no table of it', async () => {
  let cuts = 0
  const cut = (rows: EngineRows): EngineRows =>
    new Proxy(rows, {
      get(target, name, receiver) {
        if (name !== 'changes') return Reflect.get(target, name, receiver) as unknown
        return async function* (...asked: Parameters<EngineRows['changes']>) {
          for await (const page of target.changes(...asked)) {
            yield page
            if (page[0]?.kind !== 'messages') continue
            cuts++
            throw new Error('the link is down')
          }
        }
      },
    })
  const [one, other, link] = await two(cut)
  const { inbox } = await addAccount(one, 'bob@example.org')
  for (let n = 0; n < 55; n++)
    await Promise.all(
      Array.from({ length: 10 }, async (_, k) => one.commit([await arrival(one, message(`${n}-${k}`), [inbox])])),
    )
  const table = await other.read.table(inbox)
  const { highestModSeq } = table
  await one.commit([{ kind: 'expunge', mailbox: inbox, uids: [[1, 50]], force: true, nowMs }])
  await one.commit([{ kind: 'flags', mailbox: inbox, uids: [[550, 550]], mode: 'add', flags: ['\\Flagged'] }])
  await until(() => cuts > 1)
  assert.equal(table.highestModSeq, highestModSeq, 'the expunge below the new modSeq is still unknown')
  table.release()
  await other.close()
  const third = await nodeStore(link(), realClock)
  const anew = await third.read.table(inbox)
  assert.equal(anew.view().count, 500)
  anew.release()
  await third.close()
  await one.close()
})

test('where a table is read anew, keywords and mailboxes that were missed are told', async () => {
  const [one, other] = await two()
  const bob = await addAccount(one, 'bob@example.org')
  for (const subject of ['a', 'b']) await one.commit([await arrival(one, message(subject), [bob.inbox])])
  const table = await other.read.table(bob.inbox)
  const heard: Change[] = []
  const stop = other.listen((changes) => void heard.push(...changes))
  await one.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags: ['brandnew'] }])
  await one.commit([{ kind: 'mailboxCreate', account: bob.id, name: 'New' }])
  // So long ago that the sweep forgets it.
  await one.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[2, 2]], force: true, nowMs: 1 }])
  await one.sweep(nowMs)
  await until(() => table.view().count === 1)
  assert.equal(table.view().count, 1)
  assert.ok(table.flagNames.includes('brandnew'))
  assert.ok(heard.some(({ kind }) => kind === 'mailboxes'))
  stop()
  table.release()
  await other.close()
  await one.close()
})

test('a commit is answered when its own changes are known, though others go on all the time', async () => {
  let isLost = true
  let readings = 0
  let more: (() => Promise<unknown>) | undefined
  const link = linksTo(engineInMemory({ clock: realClock, log: silentLog }), {
    random: () => (isLost ? 0 : 99),
    weather: { lost: 1, twice: 0, late: 0 },
    later: async () => {},
  })
  const one = await nodeStore(link(), realClock)
  const second = link()
  const rows = new Proxy(second.rows, {
    get(target, name, receiver) {
      if (name !== 'changes') return Reflect.get(target, name, receiver) as unknown
      return async function* (...asked: Parameters<EngineRows['changes']>) {
        yield* target.changes(...asked)
        // News of the next change is there before this one is read.
        if (++readings < 200) await more?.()
      }
    },
  })
  const other = await nodeStore({ ...second, rows }, realClock)
  const { inbox } = await addAccount(one, 'bob@example.org')
  await one.commit([await arrival(one, message('a'), [inbox])])
  const table = await other.read.table(inbox)
  await one.commit([await arrival(one, message('missed'), [inbox])])
  isLost = false
  let n = 0
  more = () =>
    one.commit([
      {
        kind: 'flags',
        mailbox: inbox,
        uids: [[1, 1]],
        mode: n++ % 2 ? 'add' : 'remove',
        flags: ['\\Seen', `k${n % 3}`],
      },
    ])
  await other.commit([await arrival(other, message('own'), [inbox])])
  assert.ok(readings < 10, `${readings} readings`)
  assert.equal(table.view().count, 3)
  more = undefined
  table.release()
  await other.close()
  await one.close()
})

test('tables that are let go together are kept one after another', async () => {
  let nowMs = 0
  let active = 0
  let most = 0
  let kept = 0
  const engine = engineInMemory({ clock: realClock, log: silentLog })
  const keepTable: StoreEngine['keepTable'] = async () => {
    most = Math.max(most, ++active)
    await turns(2)
    active--
    kept++
  }
  const clock = Object.assign(Object.create(realClock) as typeof realClock, { monotonic: () => nowMs })
  const store = await nodeStore({ ...engine, keepTable }, clock)
  const bob = await addAccount(store, 'bob@example.org')
  const ids = [bob.inbox, bob.trash]
  for (const name of ['A', 'B']) {
    const [{ id }] = await store.commit([{ kind: 'mailboxCreate', account: bob.id, name }])
    ids.push(id)
  }
  for (let n = 0; n < 50; n++)
    await Promise.all(
      Array.from({ length: 10 }, async (_, k) => store.commit([await arrival(store, message(`${n}-${k}`), ids)])),
    )
  for (const id of ids.slice(0, 3)) (await store.read.table(id)).release()
  nowMs = 100_000
  ;(await store.read.table(ids[3]!)).release()
  await until(() => kept === 3)
  assert.deepEqual([kept, most], [3, 1])
  await store.close()
  assert.equal(kept, 4)
})
