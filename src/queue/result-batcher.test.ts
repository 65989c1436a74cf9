import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import type { Operation } from '../store/operations.ts'
import { StoreFault, StoreRefusal, type Store } from '../store/store.ts'
import { ResultBatcher } from './result-batcher.ts'

const finish = (recipient: number): Operation => ({
  kind: 'queueFinish',
  lease: { recipient, fence: 1 },
  outcome: 'relayed',
  reply: '250 ok',
  nowMs: 0,
})

/** A store that notes what is committed together, and refuses what `fault` says. */
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
  return { clock, commits, reports: new ResultBatcher({ store: { commit } as unknown as Store, clock }) }
}

test('what one turn of the loop brings is one commit; the next turn has its own', async () => {
  const { clock, commits, reports } = world()
  await clock.until(Promise.all([reports.give([finish(1)]), reports.give([finish(2), finish(3)])]))
  await clock.until(reports.give([finish(4)]))
  assert.deepEqual(commits, [[1, 2, 3], [4]])
})

test('one that has lost its lease hears of it, and the others are written down without it', async () => {
  const lost = (recipients: readonly number[]) =>
    recipients.includes(2) ? new StoreRefusal('leaseLost', 'gone') : undefined
  const { clock, commits, reports } = world(lost)
  const ends = [1, 2, 3].map((recipient) =>
    reports.give([finish(recipient)]).then(
      () => 'written',
      (error: StoreRefusal) => error.code,
    ),
  )
  assert.deepEqual(await clock.until(Promise.all(ends)), ['written', 'leaseLost', 'written'])
  assert.deepEqual(commits, [[1, 2, 3], [1], [2], [3]])
})

test('a store that cannot write says so to all of them, and is not asked again', async () => {
  const { clock, commits, reports } = world(() => new StoreFault('the disk is full', true))
  const ends = [reports.give([finish(1)]), reports.give([finish(2)])].map((one) =>
    one.catch((error: Error) => error.message),
  )
  assert.deepEqual(await clock.until(Promise.all(ends)), ['the disk is full', 'the disk is full'])
  assert.equal(commits.length, 1)
})
