/** How much there is: kept by every engine, through whatever changes it. */
import type { Uid } from '../../mail/ids.ts'
import { domainDestination } from '../../mail/destination.ts'
import assert from 'node:assert/strict'
import { addAccount, arrival, message, nowMs, refused, type Check } from './fixtures.ts'

export function totalsChecks(check: Check): void {
  check('what there is in all is told rightly after refusals, copies, moves and removals', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const queue = (count: number) => ({
      reversePath: 'bob@example.org',
      recipients: Array.from({ length: count }, (_, i) => ({
        address: `u${i}@far.test`,
        destination: domainDestination('far.test'),
        parameters: { body: '7bit', smtpUtf8: false } as const,
      })),
      prefix: '',
      firstAttemptMs: nowMs,
      expiresAtMs: nowMs + 1000,
    })
    const told = async () => {
      const { accounts, messages, contents, queued } = await store.read.counts()
      return [accounts, messages, contents, queued]
    }
    assert.deepEqual(await told(), [1, 0, 0, 0])
    await store.commit([await arrival(store, message('a'), [bob.inbox], { queue: queue(3) })])
    await store.commit([await arrival(store, message('b'), [bob.inbox])])
    assert.deepEqual(await told(), [1, 2, 2, 3])
    // All or none, beside others in one group.
    const drop = { kind: 'queueAct', recipient: (await store.read.queue(0, 1))[0]!.id, act: 'drop', nowMs } as const
    const refusedArrival = await arrival(store, message('c'), [bob.inbox], { queue: queue(1) })
    await Promise.all([
      refused(store.commit([refusedArrival, drop, { kind: 'domainRemove', name: 'example.org' }]), 'notAllowed'),
      store.commit([drop]),
    ])
    assert.deepEqual(await told(), [1, 2, 2, 2])
    await store.commit([{ kind: 'copy', mailbox: bob.inbox, target: bob.trash, uids: [[1, 2]], nowMs }])
    await store.commit([{ kind: 'move', mailbox: bob.inbox, target: bob.trash, uids: [[1, 1]], nowMs }])
    assert.deepEqual(await told(), [1, 4, 2, 2])
    await store.commit([{ kind: 'expunge', mailbox: bob.trash, uids: [[1, 1]], force: true, nowMs }])
    assert.deepEqual(await told(), [1, 3, 2, 2])
    await store.commit([{ kind: 'mailboxDelete', account: bob.id, name: 'Trash', nowMs }])
    assert.deepEqual(await told(), [1, 1, 2, 2])
    await store.commit([{ kind: 'accountRemove', name: 'bob@example.org' }])
    await store.sweep(nowMs)
    assert.deepEqual(await told(), [0, 0, 1, 2])
  })

  check('messages from a UID on are counted over gaps', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    for (let i = 0; i < 5; i++) await store.commit([await arrival(store, message(`m${i}`), [bob.inbox])])
    await store.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[3, 3]], force: true, nowMs }])
    assert.deepEqual(
      await Promise.all([1, 2, 3, 4, 6].map((uid) => store.read.messagesFrom(bob.inbox, uid as Uid))),
      [4, 3, 2, 2, 0].map((count) => ({ count })),
    )
  })
}
