/** A read never misses what a commit has answered, even if its rows are still to come. docs/architecture.md §27. */
import assert from 'node:assert/strict'
import { domainDestination } from '../../mail/destination.ts'
import type { AccountId, Uid } from '../../mail/ids.ts'
import type { Store } from '../store.ts'
import { addAccount, arrival, message, nowMs, rowsOf, type Check } from './fixtures.ts'

interface Asked {
  readonly store: Store
  readonly account: AccountId
  readonly inbox: number
  readonly arrivalId: string
}

/** What each read says of the number of messages that were answered. */
const reads: Readonly<Record<string, (asked: Asked) => Promise<number>>> = {
  account: async ({ store }) => (await store.read.account('bob@example.org'))!.usedMessages,
  accountById: async ({ store, account }) => (await store.read.accountById(account))!.usedMessages,
  accounts: async ({ store }) => (await store.read.accounts('', 10))[0]!.usedMessages,
  mailbox: async ({ store, inbox }) => (await store.read.mailbox(inbox))!.messages,
  mailboxByName: async ({ store, account }) => (await store.read.mailboxByName(account, 'INBOX'))!.messages,
  mailboxes: async ({ store, account }) => (await store.read.mailboxes(account))[0]!.messages,
  messagesFrom: async ({ store, inbox }) => (await store.read.messagesFrom(inbox, 1 as Uid)).count,
  identities: async ({ store, inbox }) => (await store.read.identities(inbox, 0, 1000)).length,
  rows: async ({ store, inbox }) => (await rowsOf(store, inbox)).length,
  search: async ({ store, inbox }) => (await store.read.search(inbox, { kind: 'all' }, [[1, 0xffff_ffff]])).length,
  counts: async ({ store }) => (await store.read.counts()).messages,
  upToDate: async ({ store, inbox }) => {
    await store.read.upToDate(inbox)
    const table = await store.read.table(inbox)
    const { count } = table.view()
    table.release()
    return count
  },
}

export function promisedChecks(check: Check): void {
  check('what was answered is read at once, by every read', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    let messages = 0
    for (let round = 0; round < 4; round++) {
      for (const [name, read] of Object.entries(reads)) {
        const arrive = await arrival(store, message(`${name} ${round}`), [bob.inbox])
        await store.commit([arrive], { until: 'durable' })
        messages++
        const { arrivalId } = arrive
        assert.equal(await read({ store, account: bob.id, inbox: bob.inbox, arrivalId }), messages, name)
      }
    }
  })

  check('what was answered for the queue is read at once, and its row of the ledger', async (store) => {
    const parameters = { body: '7bit', smtpUtf8: false } as const
    const queue = (leasedUntilMs?: number) => ({
      reversePath: '',
      recipients: [{ address: 'x@far.test', destination: domainDestination('far.test'), parameters }],
      prefix: '',
      firstAttemptMs: nowMs,
      expiresAtMs: nowMs + 1000,
      leasedUntilMs,
    })
    for (let round = 1; round <= 20; round++) {
      const until = round % 2 === 0 ? nowMs + 600_000 : undefined
      const arrive = await arrival(store, message(`m${round}`), [], { queue: queue(until) })
      await store.commit([arrive], { until: 'durable' })
      const said = await Promise.all([
        store.read.queueWhere({}, 0, 100).then(({ rows }) => rows.length),
        store.read.queueShape(0, nowMs).then(({ rows }) => rows[0]!.recipients),
        store.read.counts().then(({ queued }) => queued),
      ])
      assert.deepEqual(said, [round, round, round])
      assert.equal((await store.read.ledger(arrive.arrivalId)).length, 1)
    }
  })

  check('mail of another account is not waited for', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const eve = await addAccount(store, 'eve@example.org')
    await store.commit([await arrival(store, message('one'), [bob.inbox])], { until: 'durable' })
    assert.equal(store.read.upToDate(eve.inbox), undefined)
    assert.equal((await store.read.mailbox(eve.inbox))!.messages, 0)
  })
}
