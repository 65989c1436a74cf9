/** Nodes that share an engine, over links that lose, double and shuffle news: what each remembers is what the rows are. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { silentLog } from '../../base/log.ts'
import type { AccountId } from '../../mail/ids.ts'
import { realClock } from '../../platform/real/clock.ts'
import type { Change } from '../changes.ts'
import { addAccount, arrival, message, nowMs } from '../conformance/fixtures.ts'
import { fairWeather, foulWeather, linksTo, type Weather } from '../conformance/link.ts'
import { conformance } from '../conformance/conformance.ts'
import type { StoreEngine } from '../engine.ts'
import { referenceEngine } from '../memory/memory-engine.ts'
import { engineInMemory } from '../sqlite/engine.ts'
import type { Operation } from '../operations.ts'
import { StoreRefusal, type Store } from '../store.ts'
import type { LiveTable } from '../table.ts'
import { nodeStore } from './node-store.ts'

function pseudoRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (state >> 8) % below
  }
}

const turns = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

function links(engine: StoreEngine, seed: number, weather: Weather): () => StoreEngine {
  const random = pseudoRandom(seed)
  return linksTo(engine, { random, weather, later: () => turns(random(3)) })
}

conformance('sqlite behind a link', async () => {
  const engine = engineInMemory({ clock: realClock, log: silentLog })
  const store = await nodeStore(links(engine, 1, foulWeather)(), realClock)
  return { store, done: () => store.close() }
})

const engines = {
  sqlite: () => engineInMemory({ clock: realClock, log: silentLog }),
  reference: () => referenceEngine(realClock),
}

function seen(table: LiveTable): unknown {
  const { count, uids, flagsLow, flagsHigh, modSeqs } = table.view()
  const columns = [uids, flagsLow, flagsHigh, modSeqs].map((column) => [...column.subarray(0, count)])
  return [table.gone, table.uidNext, table.highestModSeq, [...table.flagNames], columns]
}

/** What a node that has just begun sees. */
async function anew(engine: () => StoreEngine, mailbox: number): Promise<unknown> {
  const store = await nodeStore(engine(), realClock)
  try {
    const table = await store.read.table(mailbox)
    const found = seen(table)
    table.release()
    return found
  } finally {
    await store.close()
  }
}

/** Does something at random, by a node. */
async function act(store: Store, random: (below: number) => number, account: AccountId, step: number): Promise<void> {
  const names = ['INBOX', 'Trash', 'One', 'Two']
  const mailboxes = await store.read.mailboxes(account)
  const { id: mailbox } = mailboxes[random(mailboxes.length)]!
  const { id: target } = mailboxes[random(mailboxes.length)]!
  const first = 1 + random(9)
  const uids = [[first, first + random(3)]] as const
  const name = names[random(names.length)]!
  const flags = ['\\Seen', '\\Deleted', '\\Flagged', `k${random(12)}`]
  const mode = (['add', 'remove', 'replace'] as const)[random(3)]!
  const done = async (operation: Operation): Promise<void> => {
    await store.commit([operation]).catch((error: unknown) => {
      if (!(error instanceof StoreRefusal)) throw error
    })
  }
  switch (random(9)) {
    case 0:
    case 1:
    case 2:
      return done(await arrival(store, message(`m${step}`), [mailbox]))
    case 3:
      return done({ kind: 'expunge', mailbox, uids, force: true, nowMs })
    case 4:
      return done({ kind: 'move', mailbox, uids, target, nowMs })
    case 5:
      return done({ kind: 'mailboxCreate', account, name })
    case 6:
      return random(4) === 0 ? done({ kind: 'mailboxDelete', account, name, nowMs }) : undefined
    case 7:
      if (random(4) === 0) await store.sweep(nowMs + 100 * 86_400_000)
      return
    default:
      return done({ kind: 'flags', mailbox, uids, mode, flags: [flags[random(4)]!] })
  }
}

/** Gives up after some seconds: what is compared then says how it differs. */
async function until(isSo: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !isSo(); n++) await new Promise((resolve) => setTimeout(resolve, 10))
}

async function shared(open: () => StoreEngine, seed: number): Promise<void> {
  const random = pseudoRandom(seed)
  const link = links(open(), seed + 1, foulWeather)
  const nodes = [await nodeStore(link(), realClock), await nodeStore(link(), realClock)]
  try {
    const { id: account, inbox } = await addAccount(nodes[0]!, 'bob@example.org')
    const held = new Map<Store, Map<number, LiveTable>>(nodes.map((node) => [node, new Map<number, LiveTable>()]))
    for (let step = 0; step < 60; step++) {
      const node = nodes[random(2)]!
      const before = await node.read.mailboxes(account)
      await act(node, random, account, step)
      const tables = held.get(node)!
      // What a node has answered it shows at once.
      for (const { id, highestModSeq } of await node.read.mailboxes(account)) {
        const table = tables.get(id)
        const isChanged = before.find((row) => row.id === id)?.highestModSeq !== highestModSeq
        if (table && isChanged)
          assert.equal(table.highestModSeq, highestModSeq, `seed ${seed}: mailbox ${id}, step ${step}`)
        else if (!table && random(3) === 0) tables.set(id, await node.read.table(id))
      }
    }
    // The other node finds what it missed when it looks next.
    const mailboxes = await nodes[0]!.read.mailboxes(account)
    for (const tables of held.values())
      for (const [id, table] of tables) {
        const row = mailboxes.find((one) => one.id === id)
        const present = row && (await anew(link, id))
        await until(() => table.gone || isDeepStrictEqual(seen(table), present))
        if (row) assert.deepEqual(seen(table), present, `seed ${seed}: mailbox ${id}`)
        else assert.equal(table.gone, true, `seed ${seed}: mailbox ${id} is gone`)
      }
    assert.equal((await nodes[1]!.read.user('bob@example.org'))!.inbox, inbox)
  } finally {
    for (const node of nodes) await node.close()
  }
}

for (const [name, open] of Object.entries(engines))
  test(`${name}: two nodes that hear of each other by chance show the same`, async () => {
    const first = Number(process.env['NODE_SEED'] ?? 1)
    const seeds = Array.from({ length: Number(process.env['NODE_SEEDS'] ?? 20) }, (_, n) => first + n)
    await Promise.all(seeds.map((seed) => shared(open, seed)))
  })

test('what a node has missed of the directory it finds within a second', async () => {
  const link = links(engineInMemory({ clock: realClock, log: silentLog }), 1, { lost: 100, twice: 0, late: 0 })
  const [one, other] = [await nodeStore(link(), realClock), await nodeStore(link(), realClock)]
  const heard: Change[] = []
  const stop = other.listen((changes) => void heard.push(...changes))
  try {
    assert.equal(await other.read.user('bob@example.org'), undefined)
    const { id } = await addAccount(one, 'bob@example.org')
    await one.commit([{ kind: 'mailboxCreate', account: id, name: 'Junk' }])
    await new Promise((resolve) => setTimeout(resolve, 800))
    assert.equal(other.read.isLocalDomain('example.org'), true)
    assert.equal((await other.read.user('bob@example.org'))!.id, id)
    const junk = await other.read.mailboxId(id, 'Junk')
    await one.commit([{ kind: 'mailboxRename', account: id, from: 'Junk', to: 'Spam', nowMs }])
    await one.commit([{ kind: 'mailboxCreate', account: id, name: 'Junk' }])
    await new Promise((resolve) => setTimeout(resolve, 800))
    assert.notEqual(await other.read.mailboxId(id, 'Junk'), junk)
    assert.ok(heard.some(({ kind }) => kind === 'directory'))
  } finally {
    stop()
    await one.close()
    await other.close()
  }
})

test('in fair weather no change is read twice', async () => {
  const engine = engineInMemory({ clock: realClock, log: silentLog })
  let asked = 0
  const { changes } = engine.rows
  engine.rows.changes = (...all) => (asked++, changes.apply(engine.rows, all))
  const link = links(engine, 1, fairWeather)
  const [one, other] = [await nodeStore(link(), realClock), await nodeStore(link(), realClock)]
  try {
    const bob = await addAccount(one, 'bob@example.org')
    const table = await other.read.table(bob.inbox)
    for (let n = 0; n < 10; n++) await (n % 2 ? one : other).commit([await arrival(one, message(`m${n}`), [bob.inbox])])
    assert.equal(table.view().count, 10)
    assert.equal(asked, 0)
  } finally {
    await one.close()
    await other.close()
  }
})
