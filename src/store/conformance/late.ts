/** Arrivals that lease their own recipients, on every engine: reported at once, rows written when they are needed. */
import { domainDestination } from '../../mail/destination.ts'
import assert from 'node:assert/strict'
import type { Change } from '../changes.ts'
import { factsOfBytes } from '../facts.ts'
import type { Lease, Operation, QueueRequest } from '../operations.ts'
import type { Store } from '../store.ts'
import { addAccount, arrival, message, nowMs, refused, type Check } from './fixtures.ts'
import { lease, leaseOf, parameters } from './queue.ts'

const leasedUntilMs = nowMs + 500

/** Recipients that their own commit leases. */
export function queueOf(...addresses: readonly string[]): QueueRequest {
  const recipients = addresses.map((address) => ({ address, destination: domainDestination('far.test'), parameters }))
  return {
    reversePath: '',
    recipients,
    prefix: '',
    firstAttemptMs: nowMs,
    expiresAtMs: nowMs + 1000,
    leasedUntilMs,
  }
}

interface Leased {
  readonly arrivalId: string
  readonly leases: readonly Lease[]
}

/** Commits a message that leases its recipients: the result names them, before their rows are there. */
async function leased(store: Store, ...addresses: readonly string[]): Promise<Leased> {
  const told: Change[] = []
  const stop = store.listen((changes) => void told.push(...changes))
  const arrive = await arrival(store, message('out'), [], { queue: queueOf(...addresses) })
  const [{ queued }] = await store.commit([arrive], { until: 'durable' })
  await new Promise((resolve) => setImmediate(resolve))
  stop()
  assert.ok(!told.some(({ kind }) => kind === 'queue'), 'nothing is due')
  return { arrivalId: arrive.arrivalId, leases: queued!.recipients.map((recipient) => ({ recipient, fence: 1 })) }
}

/** Reads of the queue find all rows: late ones are written first. */
const allRows = (store: Store): Promise<unknown> => store.read.queue(0, 1)

/** An operation of the engine's own sweep. */
function segmentsGone(store: Store): Promise<unknown> {
  return store.commit([{ kind: 'segmentsGone', segments: [1] } as never])
}

function relayed(lease: Lease, reply = '250 ok'): Operation {
  return { kind: 'queueFinish', lease, outcome: 'relayed', reply, nowMs }
}

const ledgerOf = async (store: Store, arrivalId: string) =>
  (await store.read.ledger(arrivalId)).map(({ recipient, outcome, detail }) => [recipient, outcome, detail])

export function lateChecks(check: Check): void {
  check('what the commit leases is leased: no other lease gets it before that one ends', async (store) => {
    const { leases } = await leased(store, 'x@far.test', 'y@far.test')
    assert.equal(await store.read.queueDue(), undefined, 'no rows before somebody needs them')
    await allRows(store)
    const rows = await store.read.queue(0, 10)
    assert.deepEqual(
      rows.map(({ state, fence, leasedUntilMs: until }) => [state, fence, until]),
      [
        ['leased', 1, leasedUntilMs],
        ['leased', 1, leasedUntilMs],
      ],
    )
    assert.deepEqual(rows.map(leaseOf), leases)
    assert.equal((await lease(store)).rows.length, 0)
    await store.commit([relayed(leases[0]!)])
    const late = await lease(store, { nowMs: leasedUntilMs })
    assert.deepEqual(
      late.rows.map(({ id, fence }) => [id, fence]),
      [[leases[1]!.recipient, 2]],
    )
    // The earlier holder has lost it.
    await refused(store.commit([relayed(leases[1]!)]), 'leaseLost')
  })

  check('the end of a part of its recipients, and an attempt in vain, bring all the rows', async (store) => {
    const one = await leased(store, 'x@far.test', 'y@far.test')
    await store.commit([relayed(one.leases[0]!)])
    assert.deepEqual(
      (await store.read.queue(0, 10)).map(({ address }) => address),
      ['y@far.test'],
    )
    assert.deepEqual(await ledgerOf(store, one.arrivalId), [
      ['x@far.test', 'relayed', '250 ok'],
      ['y@far.test', 'queued', null],
    ])
    const two = await leased(store, 'z@far.test')
    const nextAttemptMs = nowMs + 100
    await store.commit([{ kind: 'queueDefer', lease: two.leases[0]!, nextAttemptMs, reply: '451 later', nowMs }])
    const row = await store.read.queueRecipient(two.leases[0]!.recipient)
    assert.deepEqual([row?.state, row?.attempts, row?.lastReply], ['deferred', 1, '451 later'])
  })

  check('a commit that is refused leaves it as it was; a report with another fence is one of those', async (store) => {
    const { arrivalId, leases } = await leased(store, 'x@far.test')
    const lost = { recipient: 999, fence: 1 }
    await refused(store.commit([relayed(leases[0]!), relayed(lost)]), 'leaseLost')
    const two = await leased(store, 'y@far.test', 'z@far.test')
    await refused(store.commit([relayed(two.leases[0]!), relayed(two.leases[0]!)]), 'leaseLost')
    assert.deepEqual(
      (await ledgerOf(store, two.arrivalId)).map(([, outcome]) => outcome),
      ['queued', 'queued'],
    )
    await refused(store.commit([relayed({ ...leases[0]!, fence: 2 })]), 'leaseLost')
    assert.deepEqual(await ledgerOf(store, arrivalId), [['x@far.test', 'queued', null]])
    await store.commit([relayed(leases[0]!)])
    assert.deepEqual(await ledgerOf(store, arrivalId), [['x@far.test', 'relayed', '250 ok']])
  })

  check('what an operator does, and who takes the queue over, finds the rows', async (store) => {
    const { leases } = await leased(store, 'x@far.test')
    const recipient = leases[0]!.recipient
    await store.commit([{ kind: 'queueAct', recipient, act: 'hold', nowMs }])
    assert.equal((await store.read.queueRecipient(recipient))?.state, 'held')
    const other = await leased(store, 'y@far.test')
    await store.commit([{ kind: 'queueReclaim', dueMs: nowMs + 30 }])
    assert.equal((await store.read.queueRecipient(other.leases[0]!.recipient))?.state, 'deferred')
  })

  check('a store that is closed leaves nothing for later', async (store, reopen) => {
    if (!reopen) return
    const { leases } = await leased(store, 'x@far.test')
    const again = await reopen()
    assert.equal((await again.read.queueRecipient(leases[0]!.recipient))?.state, 'leased')
  })

  check('what the commit leased can be filed: its entry is the one that the answer named', async (store) => {
    const bob = await addAccount(store, 'bob@here.test')
    const told = await arrival(store, message('out'), [], { queue: queueOf('x@far.test') })
    const other = await arrival(store, message('other'), [], { queue: queueOf('y@far.test') })
    const [{ queued }] = await store.commit([told])
    await store.commit([other])
    const { facts } = factsOfBytes(message('out'))
    const file = { kind: 'queueFile', entry: queued!.entry, mailbox: bob.inbox, prefix: '', flags: [], facts } as const
    const [{ uid }] = await store.commit([
      { ...file, threadKeys: facts.threadKeys },
      { ...relayed({ recipient: queued!.recipients[0]!, fence: 1 }, 'INBOX 1'), outcome: 'filed' } as Operation,
    ])
    assert.equal(uid, 1)
    assert.deepEqual(await ledgerOf(store, told.arrivalId), [['x@far.test', 'filed', 'INBOX 1']])
    assert.equal((await store.read.queue(0, 10)).length, 1)
    await refused(store.commit([{ ...file, threadKeys: [] }]), 'noSuchEntry')
  })

  check('a message that is also filed in a mailbox is there at once', async (store) => {
    const account = await addAccount(store, 'bob@here.test')
    await store.commit([await arrival(store, message('both'), [account.inbox], { queue: queueOf('x@far.test') })])
    assert.equal((await store.read.queue(0, 10)).length, 1)
  })
}

/** Of engines that write the rows of such arrivals later. docs/architecture.md §1. */
export function lateRowChecks(check: Check): void {
  check('a way that ends at once leaves rows in the ledger and nowhere else', async (store) => {
    const { arrivalId, leases } = await leased(store, 'x@far.test', 'y@far.test')
    const bounced = { kind: 'queueFinish', lease: leases[1]!, outcome: 'bounced', reply: '550 no', nowMs } as const
    await store.commit([relayed(leases[0]!), bounced])
    const ends = [
      ['x@far.test', 'relayed', '250 ok'],
      ['y@far.test', 'bounced', '550 no'],
    ]
    assert.deepEqual(await ledgerOf(store, arrivalId), ends)
    await allRows(store)
    assert.deepEqual(await store.read.queue(0, 10), [])
    assert.deepEqual(await ledgerOf(store, arrivalId), ends)
    assert.equal((await store.sweep(nowMs)).contentsFreed, 0)
    await refused(store.commit([relayed(leases[0]!)]), 'leaseLost')
  })

  check('more than four thousand at a time: the oldest get their rows', async (store) => {
    const queue = queueOf('x@far.test')
    const one = async () => store.commit([await arrival(store, message('out'), [], { queue })])
    await Promise.all(Array.from({ length: 4100 }, one))
    assert.notEqual(await store.read.queueDue(), undefined)
    assert.equal((await store.read.queue(0, 5000)).length, 4100)
  })

  check('a segment that is used again meanwhile does not go', async (store) => {
    const { leases } = await leased(store, 'x@far.test')
    assert.deepEqual(await segmentsGone(store), [{ segments: [] }])
    const row = (await store.read.queueRecipient(leases[0]!.recipient))!
    const bytes = (await store.read.queuedContent(row.entry))!
    assert.match(Buffer.from(await bytes.read(0, bytes.sizeBytes)).toString(), /Subject: out/)
    await store.commit([relayed(leases[0]!)])
    await store.sweep(nowMs)
    assert.deepEqual(await segmentsGone(store), [{ segments: [1] }])
  })
}
