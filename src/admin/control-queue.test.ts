/** Every pair of actions on a recipient, from every state. */
import { domainDestination, type Destination } from '../mail/destination.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../base/log.ts'
import { realClock } from '../platform/real/clock.ts'
import { arrival, message, nowMs as acceptedMs } from '../store/conformance/fixtures.ts'
import type { QueueRow } from '../store/entities.ts'
import { openStore } from '../store/sqlite/engine.ts'
import type { Store } from '../store/store.ts'
import { runControl } from './control.ts'

const acts = ['hold', 'release', 'retry', 'drop', 'fail', 'reroute'] as const
type Act = (typeof acts)[number]
const states = ['ready', 'deferred', 'leased', 'held'] as const

/** The effect of one action on each state; `gone`: the recipient has left the queue. */
const becomes: Record<Act, Record<QueueRow['state'], QueueRow['state'] | 'gone'>> = {
  hold: { ready: 'held', deferred: 'held', leased: 'held', held: 'held' },
  release: { ready: 'ready', deferred: 'deferred', leased: 'leased', held: 'ready' },
  retry: { ready: 'ready', deferred: 'ready', leased: 'leased', held: 'held' },
  drop: { ready: 'gone', deferred: 'gone', leased: 'gone', held: 'gone' },
  fail: { ready: 'ready', deferred: 'ready', leased: 'ready', held: 'ready' },
  reroute: { ready: 'ready', deferred: 'ready', leased: 'ready', held: 'held' },
}
const destinations: Partial<Record<Act, Destination>> = {
  fail: { kind: 'failed' },
  reroute: { kind: 'host', host: 'relay.example.net', port: 25 },
}

async function inState(store: Store, state: QueueRow['state'], address: string): Promise<QueueRow> {
  const nowMs = realClock.now()
  const due = state === 'deferred' ? nowMs + 3_600_000 : acceptedMs
  const recipients = [
    { address, destination: domainDestination(address), parameters: { body: '7bit', smtpUtf8: false } as const },
  ]
  const queue = {
    reversePath: 'a@b',
    recipients,
    prefix: '',
    firstAttemptMs: due,
    expiresAtMs: 9e12,
    held: state === 'held',
  }
  await store.commit([await arrival(store, message('out'), [], { queue })])
  if (state === 'leased') await store.commit([{ kind: 'queueLease', nowMs, leaseMs: 1e6, limit: 1 }])
  const row = (await store.read.queueWhere({ recipient: address }, 0, 1)).rows[0]!
  assert.equal(row.state, state)
  return row
}

test('pairs of actions: each has the same effect as alone, and the last route counts', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  for (const from of states)
    for (const first of acts)
      for (const second of acts) {
        const name = `${from}, ${first}, ${second}`
        const row = await inState(store, from, `u@${from}-${first}-${second}.test`)
        let state: QueueRow['state'] | 'gone' = from
        let { destination } = row
        for (const act of [first, second]) {
          const to = act === 'reroute' ? 'relay.example.net:25' : undefined
          const asked = { recipients: [row.id], act, ...(to && { to }) }
          const answer = await runControl({ store, clock: realClock }, 'queueAct', asked)
          if (state === 'gone') {
            assert.ok('error' in answer && answer.error.code === 'noSuchEntry', name)
            continue
          }
          assert.ok('result' in answer, `${name}: ${JSON.stringify(answer)}`)
          const tellsHeld: boolean = state === 'held' && (act === 'retry' || act === 'reroute')
          assert.deepEqual(answer.result, { recipients: 1, ...(tellsHeld && { held: 1 }) }, name)
          state = becomes[act][state]
          destination = destinations[act] ?? destination
        }
        const now = await store.read.queueRecipient(row.id)
        assert.equal(now?.state ?? 'gone', state, name)
        if (now) assert.deepEqual(now.destination, destination, name)
        assert.equal(
          (await store.read.ledger(row.arrivalId))[0]!.outcome,
          state === 'gone' ? 'discarded' : 'queued',
          name,
        )
        if (now) await store.commit([{ kind: 'queueAct', recipient: row.id, act: 'drop', nowMs: 1 }])
      }
})
