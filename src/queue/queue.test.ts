/** What the queue does with the answers of a transport, whatever protocol it speaks. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { silentLog } from '../base/log.ts'
import { deliveryDefaults } from '../delivery/options.ts'
import { StoreDirectory } from '../directory/store-directory.ts'
import { FairOrder } from '../delivery/fair-order.ts'
import { silentTrace } from '../delivery/trace.ts'
import { domainDestination, failedDestination } from '../mail/destination.ts'
import type { MessageBytes } from '../mail/content.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { seededRandom } from '../platform/simulated/random.ts'
import { addAccount, arrival, message, nowMs, rowsOf } from '../store/conformance/fixtures.ts'
import { openStore } from '../store/sqlite/engine.ts'
import type { Store } from '../store/store.ts'
import { queueDefaults } from './options.ts'
import { Queue } from './queue.ts'
import { allOf, type AttemptResult, type Batch, type Transport } from './transport.ts'

type Answer = (address: string, n: number) => AttemptResult | Promise<AttemptResult>

const plain = { body: '7bit', smtpUtf8: false } as const
const relayed: AttemptResult = { kind: 'relayed', enhanced: '2.0.0', words: '250 ok' }

/** A transport that answers as it is told, and notes what it is asked. */
function fake(answer: Answer, more: Partial<Transport> = {}) {
  const batches: string[] = []
  const seen = { batches, closed: 0, signal: undefined as AbortSignal | undefined }
  const transport: Transport = {
    remote: true,
    async nextHop({ key }) {
      return { name: `hop of ${key}`, route: key }
    },
    async attempt(batch: Batch, bytes: MessageBytes, route, signal) {
      seen.signal = signal
      seen.batches.push(`${String(route)}: ${batch.rows.map(({ address }) => address).join(' ')}`)
      assert.ok(bytes.sizeBytes > 0)
      const results: AttemptResult[] = []
      for (const { address } of batch.rows) results.push(await answer(address, seen.batches.length))
      return { results, hop: results.every(({ kind }) => kind === 'later') ? 'answered' : 'well' }
    },
    close: () => void seen.closed++,
    ...more,
  }
  return { transport, seen }
}

async function world(t: TestContext, { transport }: { readonly transport: Transport }, addresses: readonly string[]) {
  const clock = new SimulatedClock(nowMs)
  const disk: Store = await openStore({ folder: ':memory:', clock, log: silentLog })
  t.after(() => disk.close())
  const damage = { problem: undefined as string | undefined }
  const queuedContent: typeof disk.read.queuedContent = async (entry) => {
    const { problem } = damage
    if (problem === undefined) return await disk.read.queuedContent(entry)
    return { sizeBytes: 1, problem, read: () => Promise.reject(new Error(problem)) }
  }
  const read = new Proxy(disk.read, {
    get(reads, name) {
      if (name === 'queuedContent') return queuedContent
      const value: unknown = Reflect.get(reads, name)
      return typeof value === 'function' ? value.bind(reads) : value
    },
  })
  const store: Store = Object.assign(Object.create(disk) as Store, { read })
  const alice = await addAccount(store, 'alice@example.org')
  const recipients = addresses.map((address) => ({
    address,
    destination: domainDestination(address.slice(address.indexOf('@') + 1)),
    parameters: { body: '7bit', smtpUtf8: false, notify: ['failure'] } as const,
  }))
  const queued = { reversePath: 'alice@example.org', recipients, prefix: '' }
  const arrived = await arrival(store, message('out'), [], {
    queue: { ...queued, firstAttemptMs: nowMs, expiresAtMs: nowMs + 86_400_000 },
  })
  await store.commit([arrived])
  const options = { now: { ...deliveryDefaults, ...queueDefaults, hostname: 'mx.example.org' } }
  const directory = new StoreDirectory(store.read, clock)
  const tools = {
    store,
    addresses: directory,
    clock,
    random: seededRandom(1),
    options,
    log: silentLog,
    trace: silentTrace,
  }
  const transports = { domain: transport, host: transport, lmtp: transport, local: transport }
  const queue = new Queue({ ...tools, fairOrder: new FairOrder(), transports })
  queue.start()
  await clock.pass(1000)
  let stopped = false
  const stop = async (graceMs?: number): Promise<void> => {
    if (!stopped) await clock.until(queue.stop(graceMs))
    stopped = true
  }
  t.after(() => stop())
  const outcomes = async (): Promise<string[]> =>
    (await store.read.ledger(arrived.arrivalId)).map(
      ({ recipient, outcome, detail }) => `${recipient} ${outcome} ${detail}`,
    )
  const dsns = async (): Promise<string[]> => (await rowsOf(store, alice.inbox, true)).map(({ text }) => text!)
  return { store, clock, alice, damage, outcomes, dsns, stop, queue }
}

test('one message and destination are one attempt; each recipient has its own outcome', async (t) => {
  const said: Record<string, AttemptResult> = {
    'a@far.test': { ...relayed, host: 'mx.far.test' },
    'b@far.test': { kind: 'never', enhanced: '5.1.1', words: '550 5.1.1 no such user' },
    'c@far.test': { kind: 'discarded', enhanced: '2.0.0', words: 'a rule' },
    'd@far.test': { kind: 'filed', enhanced: '2.0.0', words: 'a folder' },
    'e@far.test': { kind: 'later', enhanced: '4.2.0', words: '450 4.2.0 later' },
  }
  const { transport, seen } = fake((address) => said[address]!)
  const { outcomes, dsns, stop } = await world(t, { transport }, Object.keys(said))
  assert.deepEqual(seen.batches, ['far.test: a@far.test b@far.test c@far.test d@far.test e@far.test'])
  assert.deepEqual(await outcomes(), [
    'a@far.test relayed mx.far.test: 250 ok',
    'b@far.test bounced 550 5.1.1 no such user',
    'c@far.test discarded a rule',
    'd@far.test filed a folder',
    'e@far.test queued null',
  ])
  const [dsn, ...others] = await dsns()
  assert.match(dsn!, /Final-Recipient: rfc822; b@far\.test/)
  assert.equal(others.length, 0)
  await stop()
  assert.equal(seen.closed, 1)
})

test('a batch has as many recipients as its transport takes', async (t) => {
  const { transport, seen } = fake(() => relayed, { recipientsMax: 2 })
  await world(t, { transport }, ['a@far.test', 'b@far.test', 'c@far.test'])
  assert.deepEqual(seen.batches, ['far.test: a@far.test b@far.test', 'far.test: c@far.test'])
})

test('a transport that names no next hop has made its attempt', async (t) => {
  const none: AttemptResult = { kind: 'never', enhanced: '5.1.2', words: 'no such domain' }
  const { transport, seen } = fake(() => relayed, { nextHop: async () => none })
  const { outcomes } = await world(t, { transport }, ['a@far.test', 'b@far.test'])
  assert.deepEqual(seen.batches, [])
  assert.deepEqual(await outcomes(), ['a@far.test bounced no such domain', 'b@far.test bounced no such domain'])
})

test('operations that the store refuses for one recipient are its result; those of the others are committed', async (t) => {
  let store!: Store
  let inbox = 0
  const open: ((value: AttemptResult) => void)[] = []
  const { transport } = fake(
    (address) => new Promise((resolve) => open.push((one) => resolve({ ...one, host: address }))),
  )
  const made = await world(t, { transport }, ['a@far.test', 'b@far.test'])
  ;({ store } = made)
  inbox = made.alice.inbox
  const filing = async (mailbox: number): Promise<AttemptResult> => ({
    kind: 'filed',
    enhanced: '2.0.0',
    words: 'INBOX',
    operations: [
      await arrival(store, message('filed'), [], {
        filings: [{ mailbox, prefix: '', flags: [], recipients: [] }],
      }),
    ],
    ifRefused: ({ code }) => ({ kind: 'never', enhanced: '5.2.0', words: `refused: ${code}` }),
  })
  open.shift()!(await filing(inbox))
  await made.clock.pass(1)
  open.shift()!(await filing(99))
  await made.clock.pass(1000)
  assert.deepEqual(await made.outcomes(), [
    'a@far.test filed a@far.test: INBOX',
    'b@far.test bounced refused: noSuchMailbox',
  ])
  const texts = await made.dsns()
  assert.equal(texts.filter((text) => text.includes('Subject: filed')).length, 1)
  assert.equal(texts.filter((text) => text.includes('Final-Recipient: rfc822; b@far.test')).length, 1)
})

test('a fault of ours loses nothing: the recipients are tried again when the lease has lapsed', async (t) => {
  const { transport, seen } = fake((_, n) => (n === 1 ? Promise.reject(new Error('a mistake')) : relayed))
  const { outcomes, clock } = await world(t, { transport }, ['a@far.test'])
  assert.deepEqual(await outcomes(), ['a@far.test queued null'])
  await clock.pass(11 * 60_000)
  assert.equal(seen.batches.length, 2)
  assert.deepEqual(await outcomes(), ['a@far.test relayed 250 ok'])
})

test('a stop waits for its time, then has attempts broken off', async (t) => {
  const { transport, seen } = fake(() => relayed, {
    attempt: (batch, _bytes, _route, signal) =>
      new Promise((resolve) => {
        seen.batches.push('begun')
        signal.addEventListener('abort', () =>
          resolve({ results: allOf(batch, { kind: 'later', enhanced: '4.4.2', words: 'cut' }), hop: 'failed' }),
        )
      }),
  })
  const { store, stop, clock } = await world(t, { transport }, ['a@far.test'])
  const beganMs = clock.now()
  await stop(20_000)
  assert.equal(clock.now() - beganMs, 20_000)
  const [row] = await store.read.queue(0, 10)
  assert.deepEqual([row!.state, row!.lastReply], ['deferred', 'cut'])
})

test('what cannot be read from the disk waits, and bounces once an operator gives it up', async (t) => {
  const { transport, seen } = fake((_, n) =>
    n === 1 ? { kind: 'later', enhanced: '4.0.0', words: '450 wait' } : relayed,
  )
  const { store, clock, damage, outcomes, dsns } = await world(t, { transport }, ['a@far.test'])
  damage.problem = 'checksum'
  await clock.pass(600_000)
  const [row] = await store.read.queue(0, 10)
  assert.deepEqual([row!.attempts, row!.lastReply], [2, 'The message cannot be read from the disk'])
  const giveUp = { kind: 'queueReroute', recipient: row!.id, destination: failedDestination } as const
  await store.commit([{ ...giveUp, reply: 'by hand', nowMs: clock.now() }])
  await clock.pass(1000)
  assert.equal(seen.batches.length, 1)
  assert.deepEqual(await outcomes(), ['a@far.test bounced by hand'])
  assert.match((await dsns())[0]!, /Status: 5\.0\.0\r\n/)
})

test('what is committed only after the stop is left to the next start', async (t) => {
  const { transport, seen } = fake(() => relayed)
  const { store, queue, stop } = await world(t, { transport }, ['a@far.test'])
  const recipients = [{ address: 'late@far.test', destination: domainDestination('far.test'), parameters: plain }]
  const queued = { reversePath: '', recipients, prefix: '', firstAttemptMs: nowMs, expiresAtMs: nowMs + 86_400_000 }
  const operation = queue.claim(await arrival(store, message('late'), [], { queue: queued }))
  assert.notEqual(operation.queue!.leasedUntilMs, undefined)
  await stop()
  const [result] = await store.commit([operation])
  queue.committed(operation.arrivalId, result.queued!)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(seen.batches, ['far.test: a@far.test'])
  assert.equal((await store.read.queueWhere({}, 0, 10)).rows[0]!.state, 'leased')
})
