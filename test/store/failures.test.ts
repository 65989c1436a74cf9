import { domainDestination } from '../../src/mail/destination.ts'
import type { AccountId } from '../../src/mail/ids.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addAccount, arrival, message, rowsOf } from '../../src/store/conformance/fixtures.ts'
import type { Operation, QueuedIds } from '../../src/store/operations.ts'
import type { Store } from '../../src/store/store.ts'
import { verifyFolder } from '../../src/store/sqlite/verify.ts'
import { FailurePlan, type Failure } from './failing.ts'
import { openInPlace, type InPlace } from './in-place.ts'

/** What a client was told of each message, and where it must be found. */
interface Told {
  readonly subject: string
  readonly place: 'mailbox' | 'queue' | 'ended'
  readonly outcome: 'done' | 'refused'
  /** The refusal came before anything was synced: the message must not appear. */
  readonly nothingWritten: boolean
}

const parameters = { body: '7bit', smtpUtf8: false } as const

function queueOf(subject: string, leased: boolean): Extract<Operation, { kind: 'arrive' }>['queue'] {
  const nowMs = Date.now()
  return {
    reversePath: '',
    recipients: [{ address: `${subject}@far.test`, destination: domainDestination('far.test'), parameters }],
    prefix: '',
    firstAttemptMs: nowMs,
    expiresAtMs: nowMs + 1000,
    ...(leased ? { leasedUntilMs: nowMs + 600_000 } : {}),
  }
}

/** Groups of every kind of commit, with a word on each message's fate. A commit that fails is a word too: the run goes on. */
async function workload(place: InPlace, bob: { id: AccountId; inbox: number }): Promise<Told[]> {
  const { store, durable } = place
  const told: Told[] = []
  const leased = new Map<string, number>()
  const tell = async (subject: string, where: Told['place'], commit: () => Promise<unknown>): Promise<void> => {
    const before = durable.length
    const outcome = await commit().then(
      () => 'done' as const,
      () => 'refused' as const,
    )
    told.push({ subject, place: where, outcome, nothingWritten: durable.length === before })
  }
  const arrive = (subject: string, more: object = {}): Promise<Operation> =>
    arrival(store, message(subject), [bob.inbox], { arrivalId: subject, ...more })
  const away = (subject: string, isLeased: boolean): Promise<Operation> =>
    arrival(store, message(subject), [], { arrivalId: subject, queue: queueOf(subject, isLeased) })
  for (let round = 0; round < 3; round++) {
    // One group: arrivals that are answered when durable, one answered when visible, one that is refused, flags, a mailbox.
    await Promise.all([
      tell(`a${round}`, 'mailbox', async () => store.commit([await arrive(`a${round}`)], { until: 'durable' })),
      tell(`b${round}`, 'mailbox', async () => store.commit([await arrive(`b${round}`)])),
      tell(`q${round}`, 'queue', async () => store.commit([await away(`q${round}`, false)], { until: 'durable' })),
      tell(`l${round}`, 'queue', async () => store.commit([await away(`l${round}`, true)], { until: 'durable' })),
      tell(`r${round}`, 'ended', async () => {
        const [result] = await store.commit([await away(`r${round}`, true)], { until: 'durable' })
        leased.set(`r${round}`, (result as unknown as { queued: QueuedIds }).queued.recipients[0]!)
      }),
      store.commit([{ kind: 'mailboxCreate', account: bob.id, name: `M${round}` }]).catch(() => {}),
      store
        .commit([await arrive(`x${round}`), { kind: 'mailboxDelete', account: bob.id, name: 'none', nowMs: 0 }])
        .then(
          () => assert.fail('refused'),
          () => {},
        ),
      store
        .commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1000]], mode: 'add', flags: [`k${round}`] }])
        .catch(() => {}),
    ])
    const recipient = leased.get(`r${round}`)
    if (recipient !== undefined) {
      const lease = { recipient, fence: 1 }
      await store.commit([{ kind: 'queueFinish', lease, outcome: 'relayed', reply: '250', nowMs: 1 }]).catch(() => {})
    }
    await store.commit([{ kind: 'materialize', all: true } as never]).catch(() => {})
    await store.commit([{ kind: 'mailboxDelete', account: bob.id, name: `M${round}`, nowMs: 0 }]).catch(() => {})
  }
  return told
}

async function subjectsOf(store: Store, inbox: number): Promise<string[]> {
  return (await rowsOf(store, inbox, true)).map(({ text }) => /^Subject: (.*)\r$/m.exec(text!)![1]!)
}

/** Whatever was answered is there after a crash and a start, once; whatever was refused before anything was written is not. */
async function checkAfter(folder: string, bob: { inbox: number }, told: readonly Told[], what: string): Promise<void> {
  const { store, crash } = await openInPlace(folder)
  const subjects = await subjectsOf(store, bob.inbox)
  const queued = (await store.read.queue(0, 1000)).map(({ address }) => address.split('@')[0]!)
  const aside = new Set((await store.quarantine.list(1000)).flatMap(({ recipients }) => recipients))
  for (const { subject, place, outcome, nothingWritten } of told) {
    const found =
      place === 'mailbox'
        ? subjects.filter((one) => one === subject).length
        : queued.filter((one) => one === subject).length
    const ledger = await store.read.ledger(subject)
    const isAside = ledger.some((row) => row.outcome === 'quarantined')
    if (outcome === 'done' && place !== 'ended')
      assert.equal(found + Number(isAside), 1, `${what}: ${subject} was answered, and is there ${found} times`)
    if (outcome === 'done') assert.ok(ledger.length > 0, `${what}: ${subject} was answered, and the ledger has no row`)
    if (outcome === 'refused' && nothingWritten) {
      assert.equal(found, 0, `${what}: ${subject} was refused, and is there`)
      assert.equal(ledger.length, 0, `${what}: ${subject} was refused, and the ledger has a row`)
    }
  }
  assert.ok(!subjects.some((subject) => subject.startsWith('x')), `${what}: a refused commit left its arrival`)
  crash()
  const faults = verifyFolder(folder).faults.filter(({ check }) => check !== 'quarantine')
  assert.deepEqual(faults, [], `${what} (${aside.size} aside)`)
}

/** A disk that fails while the store opens is told of by the open. */
async function attempt(folder: string, plan: FailurePlan, bob: { id: AccountId; inbox: number }): Promise<Told[]> {
  let place: InPlace
  try {
    place = await openInPlace(folder, plan)
  } catch (error) {
    assert.ok(plan.struck > 0, String(error))
    return []
  }
  const told = await workload(place, bob)
  place.crash()
  return told
}

async function run(failure: Failure | undefined): Promise<FailurePlan> {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-failures-'))
  try {
    const before = await openInPlace(folder)
    const bob = await addAccount(before.store, 'bob@example.org')
    before.crash()
    const plan = new FailurePlan(failure)
    const told = await attempt(folder, plan, bob)
    const what = failure
      ? `${failure.error} ${failure.how} ${failure.forEver ? 'from ' : ''}${failure.at} (${plan.where})`
      : 'nothing failed'
    await checkAfter(folder, bob, told, what)
    return plan
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How many of the calls are tried each; `npm run test:crash` style runs take all with FAILURES_EVERY=1. */
const every = Number(process.env['FAILURES_EVERY'] ?? 23)

test('a store whose calls all succeed keeps what it answered', async () => {
  const plan = await run(undefined)
  assert.ok(plan.calls > 200, `${plan.calls} calls`)
})

for (const error of ['full', 'io', 'constraint'] as const) {
  for (const how of ['before', 'after', 'short'] as const) {
    if (error === 'constraint' && how !== 'before') continue
    for (const forEver of [false, true]) {
      test(`disk and database fail, ${error}, ${how}${forEver ? ', from then on' : ''}: what was answered is there, what was refused is not`, async () => {
        const { calls } = await run(undefined)
        let struck = 0
        for (let at = 1; at <= calls; at += every) struck += (await run({ at, how, error, forEver })).struck
        assert.ok(struck > 0)
      })
    }
  }
}
