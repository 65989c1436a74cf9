import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import type { Operation } from '../store/operations.ts'
import { StoreFault, StoreRefusal, type Store } from '../store/store.ts'
import { CommitBatcher } from './commit-batcher.ts'

const finish = (recipient: number): Operation => ({
  kind: 'queueFinish',
  lease: { recipient, fence: 1 },
  outcome: 'relayed',
  reply: '250 ok',
  nowMs: 0,
})

/** A store that records its commits, and refuses those that `fault` names. */
function world(fault: (recipients: readonly number[]) => Error | undefined = () => undefined) {
  const clock = new SimulatedClock(0)
  const commits: number[][] = []
  const commit = async (operations: readonly Operation[]) => {
    const recipients = operations.map((one) => (one.kind === 'queueFinish' ? one.lease.recipient : 0))
    commits.push(recipients)
    const error = fault(recipients)
    if (error) throw error
    return operations.map(() => null)
  }
  return { clock, commits, reports: new CommitBatcher({ store: { commit } as unknown as Store, clock }) }
}

test('the results of one turn of the event loop are one commit; the next turn has its own', async () => {
  const { clock, commits, reports } = world()
  await clock.until(Promise.all([reports.commit([finish(1)]), reports.commit([finish(2), finish(3)])]))
  await clock.until(reports.commit([finish(4)]))
  assert.deepEqual(commits, [[1, 2, 3], [4]])
})

test('a result that has lost its lease is rejected, and the others are committed without it', async () => {
  const lost = (recipients: readonly number[]) =>
    recipients.includes(2) ? new StoreRefusal('leaseLost', 'gone') : undefined
  const { clock, commits, reports } = world(lost)
  const ends = [1, 2, 3].map((recipient) =>
    reports.commit([finish(recipient)]).then(
      () => 'written',
      (error: StoreRefusal) => error.code,
    ),
  )
  assert.deepEqual(await clock.until(Promise.all(ends)), ['written', 'leaseLost', 'written'])
  assert.deepEqual(commits, [[1, 2, 3], [1], [2], [3]])
})

test('the failure of the store reaches all of them, without another commit', async () => {
  const { clock, commits, reports } = world(() => new StoreFault('the disk is full', true))
  const ends = [reports.commit([finish(1)]), reports.commit([finish(2)])].map((one) =>
    one.catch((error: Error) => error.message),
  )
  assert.deepEqual(await clock.until(Promise.all(ends)), ['the disk is full', 'the disk is full'])
  assert.equal(commits.length, 1)
})
