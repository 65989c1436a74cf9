/** Local recipients that waited in the queue: the filing, its report and its DSN are one commit. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { silentLog } from '../base/log.ts'
import { StoreDirectory } from '../directory/store-directory.ts'
import { FairOrder } from '../delivery/fair-order.ts'
import { silentTrace } from '../delivery/trace.ts'
import { localDestination } from '../mail/destination.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { seededRandom } from '../platform/simulated/random.ts'
import { Queue } from '../queue/queue.ts'
import { addAccount, arrival, message, nowMs, rowsOf } from '../store/conformance/fixtures.ts'
import type { QueueParameters } from '../store/entities.ts'
import type { Operation } from '../store/operations.ts'
import { openStore } from '../store/sqlite/engine.ts'
import { StoreFault, type Store } from '../store/store.ts'
import { LocalTransport } from './local.ts'
import { transferDefaults } from './options.ts'

const to = 'bob@example.org'
const from = 'alice@example.org'
const recipient = 'sales@example.org'
const parameters: QueueParameters = {
  body: '7bit',
  smtpUtf8: false,
  notify: ['success', 'failure'],
  evidence: { account: to },
}

/** A message of Alice's that waits for Bob's mailbox, and a queue whose commits `judge` sees. */
async function world(t: TestContext, quotaBytes: number, judge: (operations: readonly Operation[]) => void) {
  const clock = new SimulatedClock(nowMs)
  const disk = await openStore({ folder: ':memory:', clock, log: silentLog })
  t.after(() => disk.close())
  const bob = await addAccount(disk, to, quotaBytes)
  const alice = await addAccount(disk, from)
  const recipients = [{ address: recipient, destination: localDestination, parameters }]
  const queue = { reversePath: from, recipients, prefix: '', firstAttemptMs: nowMs, expiresAtMs: nowMs + 3_600_000 }
  const arrived = await arrival(disk, message('later'), [], { queue })
  await disk.commit([arrived])
  const commit = (async (operations: readonly Operation[]) => {
    judge(operations)
    return disk.commit(operations)
  }) as Store['commit']
  const store: Store = Object.assign(Object.create(disk) as Store, { commit })
  const random = seededRandom(1)
  const options = { now: { ...transferDefaults, hostname: 'mx.example.org' } }
  const addresses = new StoreDirectory(store.read, clock)
  const fairOrder = new FairOrder()
  const tools = { store, addresses, clock, random, options, log: silentLog, trace: silentTrace, fairOrder }
  const local = new LocalTransport(tools)
  const transports = { domain: local, host: local, lmtp: local, local }
  const running = new Queue({ ...tools, transports })
  running.start()
  const pass = async (ms: number): Promise<void> => {
    await clock.pass(ms)
  }
  t.after(() => clock.until(running.stop()))
  const texts = async (mailbox: number): Promise<string[]> =>
    (await rowsOf(disk, mailbox, true)).map(({ text }) => text!)
  return { disk, arrived, pass, bob: () => texts(bob.inbox), alice: () => texts(alice.inbox) }
}

const isFiled = (operation: Operation): boolean => operation.kind === 'queueFinish' && operation.outcome === 'filed'

test('the DSN for a success is in the commit of the filing: a fault after it loses none', async (t) => {
  let filed = false
  const { disk, arrived, pass, bob, alice } = await world(t, 0, (operations) => {
    if (filed) throw new StoreFault('The disk is gone', false)
    filed = operations.some(isFiled)
  })
  await pass(1000)
  assert.equal((await bob()).length, 1)
  const [dsn] = await alice()
  assert.match(dsn!, /\r\nAction: delivered\r\nStatus: 2\.1\.5\r\n/)
  assert.equal((await disk.read.ledger(arrived.arrivalId))[0]!.outcome, 'filed')
})

test('Delivered-To is the address that was written to', async (t) => {
  const { pass, bob } = await world(t, 0, () => {})
  await pass(1000)
  const [text] = await bob()
  assert.match(text!, /^Return-Path: <alice@example\.org>\r\nDelivered-To: sales@example\.org\r\n/)
})

test('a mailbox that another message fills before the commit: later, with the reply of a full mailbox', async (t) => {
  let others = 0
  const { disk, pass, bob } = await world(t, 1000, (operations) => {
    if (!operations.some(isFiled) || others++ > 0) return
    // What the other message takes is not known when the transport looks, but when the store does.
    void disk.commit([{ kind: 'accountSet', name: to, quotaBytes: 1 }])
  })
  await pass(1000)
  assert.equal((await bob()).length, 0)
  const [row] = await disk.read.queue(0, 10)
  assert.deepEqual([row!.state, row!.attempts, row!.lastReply], ['deferred', 1, '452 4.2.2 Mailbox is full'])
  await disk.commit([{ kind: 'accountSet', name: to, quotaBytes: 0 }])
  await pass(600_000)
  assert.equal((await bob()).length, 1)
  assert.equal((await disk.read.queue(0, 10)).length, 0)
})

test('many mailboxes cost one reading of the header, and several addresses of one are one filing', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: new SimulatedClock(nowMs), log: silentLog })
  t.after(() => store.close())
  for (const name of ['a', 'b', 'c']) await addAccount(store, `${name}@example.org`)
  const recipients = ['a', 'b', 'c', 'c'].map((name, n) => ({
    address: `${name}${n}@example.org`,
    destination: localDestination,
    parameters: { ...parameters, evidence: { account: `${name}@example.org` } },
  }))
  const queue = { reversePath: '', recipients, prefix: '', firstAttemptMs: nowMs, expiresAtMs: nowMs + 1 }
  await store.commit([await arrival(store, message('later'), [], { queue })])
  const [{ rows }] = await store.commit([{ kind: 'queueLease', nowMs, leaseMs: 1000, limit: 10 }])
  for (const indexed of [true, false]) {
    const reads: string[] = []
    const bytes = message('later')
    const read = (start: number, end: number): Uint8Array => {
      reads.push(`${start}-${end}`)
      return bytes.subarray(start, end)
    }
    const options = { now: transferDefaults }
    const local = new LocalTransport({
      store,
      options,
      addresses: new StoreDirectory(store.read, new SimulatedClock(0)),
    })
    const batch = { destination: localDestination, key: '(local)', rows }
    const { results } = await local.attempt(batch, { sizeBytes: bytes.length, indexed, read })
    assert.deepEqual(reads, [`0-${bytes.length}`])
    assert.equal(new Set(results.map(({ operations }) => operations![0])).size, 3)
    const { facts } = results[0]!.operations![0] as Extract<Operation, { kind: 'queueFile' }>
    assert.equal(facts === undefined, indexed)
  }
})
