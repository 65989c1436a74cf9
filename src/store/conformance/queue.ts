/** What every engine does with recipients that wait for transfer. */
import { destinationKey, domainDestination, localDestination } from '../../mail/destination.ts'
import { factsOfBytes } from '../facts.ts'
import assert from 'node:assert/strict'
import type { Lease, Operation } from '../operations.ts'
import type { QueueRow } from '../entities.ts'
import type { Store } from '../store.ts'
import { addAccount, arrival, message, nowMs, refused, rowsOf, type Check } from './fixtures.ts'

export const parameters = { body: '7bit', smtpUtf8: false } as const

export function leaseOf({ id, fence }: QueueRow): Lease {
  return { recipient: id, fence }
}

interface Wanted {
  readonly count?: number
  readonly firstAttemptMs?: number
  readonly turnMs?: number
  readonly held?: boolean
}

/** A message that waits for `count` recipients at a destination. */
async function queued(
  store: Store,
  destination: string,
  { count = 1, firstAttemptMs = nowMs, turnMs, held }: Wanted = {},
): Promise<void> {
  const recipients = Array.from({ length: count }, (_, i) => ({
    address: `u${i}@x`,
    destination: domainDestination(destination),
    parameters,
    turnMs,
  }))
  const queue = { reversePath: '', recipients, prefix: '', firstAttemptMs, expiresAtMs: nowMs + 1000, held }
  await store.commit([await arrival(store, message('out'), [], { queue })])
}

export async function lease(
  store: Store,
  more: Partial<Omit<Extract<Operation, { kind: 'queueLease' }>, 'kind'>> = {},
) {
  const [result] = await store.commit([{ kind: 'queueLease', nowMs, leaseMs: 1000, limit: 100, ...more }])
  return result
}

/** How many of each destination, in the order of the lease. */
function summed(rows: readonly QueueRow[]): string[] {
  const names = rows.map(({ destination }) => destinationKey(destination))
  return [...new Set(names)].map((name) => `${name} ${names.filter((one) => one === name).length}`)
}

export function queueChecks(check: Check): void {
  check(
    'a queued message is filed without a second content, behind its own fields and those of the entry',
    async (store) => {
      const bob = await addAccount(store, 'bob@example.org')
      const full = await addAccount(store, 'full@example.org', 10)
      const parameters = { body: '7bit', smtpUtf8: false } as const
      const recipients = ['b1@example.org', 'b2@example.org'].map((address) => ({
        address,
        destination: localDestination,
        parameters,
      }))
      const bytes = message('held')
      const { facts } = factsOfBytes(bytes)
      const queue = {
        reversePath: '',
        recipients,
        prefix: 'X-Held: 1\r\n',
        firstAttemptMs: nowMs,
        expiresAtMs: nowMs + 1,
      }
      const arrived = await arrival(store, bytes, [], { queue })
      await store.commit([arrived])
      const [{ rows }] = await store.commit([{ kind: 'queueLease', nowMs, leaseMs: 1000, limit: 10 }])
      const { entry } = rows[0]!
      assert.equal((await store.read.queuedContent(entry))!.indexed, true)
      const filing = { kind: 'queueFile', entry, prefix: 'X-Own: 1\r\n', flags: ['\\Flagged'] } as const
      const { threadKeys } = facts
      await refused(store.commit([{ ...filing, mailbox: full.inbox, threadKeys }]), 'overQuota')
      await refused(store.commit([{ ...filing, entry: 99, mailbox: bob.inbox, threadKeys }]), 'noSuchEntry')
      const ends = rows.map(
        (row) => ({ kind: 'queueFinish', lease: leaseOf(row), outcome: 'filed', reply: 'INBOX', nowMs }) as const,
      )
      const [{ uid }] = await store.commit([{ ...filing, mailbox: bob.inbox, threadKeys }, ...ends])
      assert.equal(uid, 1)
      const [row, ...more] = await rowsOf(store, bob.inbox, true)
      assert.deepEqual(more, [])
      assert.equal(row!.text, `X-Own: 1\r\nX-Held: 1\r\n${bytes.toString('latin1')}`)
      assert.equal(row!.sizeBytes, row!.text!.length)
      assert.deepEqual(
        (await store.read.ledger(arrived.arrivalId)).map(({ recipient, outcome }) => `${recipient} ${outcome}`),
        ['b1@example.org filed', 'b2@example.org filed'],
      )
      assert.equal((await store.read.accountById(bob.id))!.usedBytes, row!.sizeBytes)
      const { contents, queued, messages } = await store.read.counts()
      assert.deepEqual([contents, queued, messages], [1, 0, 1])
      // The content goes with its last message.
      await store.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[1, 1]], force: true, nowMs }])
      assert.equal((await store.sweep(nowMs)).contentsFreed, 1)
    },
  )

  check('what arrives to be held is tried once it is released', async (store) => {
    await queued(store, 'far.test', { held: true })
    const [row] = await store.read.queue(0, 10)
    assert.equal(row?.state, 'held')
    assert.equal(await store.read.queueDue(), undefined)
    assert.equal((await lease(store)).rows.length, 0)
    await store.commit([{ kind: 'queueAct', recipient: row.id, act: 'release', nowMs }])
    assert.equal(await store.read.queueDue(), nowMs)
    assert.equal((await lease(store)).rows.length, 1)
  })

  check('the queue: leases with fences, outcomes in the ledger, nothing left behind', async (store) => {
    await addAccount(store, 'bob@example.org')
    const recipients = ['x@far.test', 'y@far.test', 'z@far.test'].map((address) => ({
      address,
      destination: domainDestination('far.test'),
      parameters,
    }))
    const operation = await arrival(store, message('out'), [], {
      queue: {
        reversePath: 'bob@example.org',
        recipients,
        prefix: 'Received: here\r\n',
        firstAttemptMs: nowMs,
        expiresAtMs: nowMs + 1000,
      },
    })
    await store.commit([operation])
    assert.equal(await store.read.queueDue(), nowMs)
    const { rows } = await lease(store)
    assert.deepEqual(
      rows.map(({ address, fence, state }) => [address, fence, state]),
      recipients.map(({ address }) => [address, 1, 'leased']),
    )
    assert.equal((await lease(store)).rows.length, 0)
    const bytes = (await store.read.queuedContent(rows[0]!.entry))!
    assert.ok(
      Buffer.from(await bytes.read(0, 100))
        .toString()
        .startsWith('Received: here\r\nFrom: Alice'),
    )
    const [x, y, z] = rows.map(leaseOf)
    await store.commit([{ kind: 'queueFinish', lease: x!, outcome: 'relayed', reply: '250 ok', nowMs }])
    await store.commit([{ kind: 'queueDefer', lease: y!, nextAttemptMs: nowMs + 500, reply: '451 later', nowMs }])
    assert.equal(await store.read.queueDue(), nowMs + 500)
    // The third lease runs out and is taken over; its old holder is refused.
    const taken = await lease(store, { nowMs: nowMs + 2000 })
    assert.equal(taken.rows.length, 2)
    await refused(
      store.commit([{ kind: 'queueFinish', lease: z!, outcome: 'relayed', reply: '250', nowMs }]),
      'leaseLost',
    )
    for (const row of taken.rows)
      await store.commit([{ kind: 'queueFinish', lease: leaseOf(row), outcome: 'bounced', reply: '550 no', nowMs }])
    assert.deepEqual(
      (await store.read.ledger(operation.arrivalId)).map((row) => [row.recipient, row.outcome, row.detail]),
      [
        ['x@far.test', 'relayed', '250 ok'],
        ['y@far.test', 'bounced', '550 no'],
        ['z@far.test', 'bounced', '550 no'],
      ],
    )
    assert.equal(await store.read.queueDue(), undefined)
    await store.sweep(nowMs)
    assert.equal((await store.read.counts()).contents, 0)
  })

  check('the queue: however its rows are asked for, they are the same rows', async (store) => {
    await queued(store, 'far.test', { count: 3 })
    await queued(store, 'near.test', { held: true })
    const rows = await store.read.queue(0, 10)
    assert.deepEqual(
      rows.map(({ state, parameters: given }) => [state, given.body]),
      ['ready', 'ready', 'ready', 'held'].map((state) => [state, '7bit']),
    )
    assert.deepEqual(await store.read.queueWhere({}, 0, 10), { rows })
    assert.deepEqual(await store.read.queueWhere({ state: 'held' }, 0, 10), { rows: rows.slice(3) })
    assert.deepEqual(await store.read.queueWhere({ destination: domainDestination('far.test') }, 0, 2), {
      rows: rows.slice(0, 2),
      next: rows[1]!.id,
    })
    assert.deepEqual(await store.read.queueSiblings(rows[1]!, 10), rows.slice(0, 3))
    for (const row of rows) assert.deepEqual(await store.read.queueRecipient(row.id), row)
  })

  check('the queue: turns decide who is first, and each destination gives so many at a time', async (store) => {
    await queued(store, 'list.test', { count: 50, turnMs: nowMs + 60_000 })
    await queued(store, 'list.test', { turnMs: nowMs + 1 })
    await queued(store, 'urgent.test', { turnMs: nowMs - 60_000 })
    await queued(store, 'usual.test')
    const { rows, more } = await lease(store, { perDestination: 20 })
    assert.deepEqual(summed(rows), ['urgent.test 1', 'usual.test 1', 'list.test 20'])
    assert.equal(rows[2]!.turnMs, nowMs + 1)
    assert.equal(more, true)
    assert.deepEqual(summed((await lease(store, { limit: 10 })).rows), ['list.test 10'])
  })

  check('the queue: what is put back is due when it is said; what a lost holder had is due again', async (store) => {
    await queued(store, 'a.test', { count: 3 })
    const { rows } = await lease(store)
    const [first, second, third] = rows.map(leaseOf)
    await store.commit([{ kind: 'queueReturn', recipients: [first!], dueMs: nowMs, nowMs }])
    await store.commit([{ kind: 'queueReturn', recipients: [second!], dueMs: nowMs + 300, nowMs }])
    assert.deepEqual(
      (await store.read.queue(0, 9)).map(({ state, attempts }) => [state, attempts]),
      [
        ['ready', 0],
        ['deferred', 0],
        ['leased', 0],
      ],
    )
    assert.equal((await lease(store)).rows.length, 1)
    // Its lease is gone already: nothing happens to it.
    await store.commit([{ kind: 'queueReturn', recipients: [first!], dueMs: nowMs, nowMs }])
    assert.equal((await lease(store)).rows.length, 0)
    await store.commit([{ kind: 'queueReclaim', dueMs: nowMs + 100 }])
    await refused(
      store.commit([{ kind: 'queueFinish', lease: third!, outcome: 'relayed', reply: '250', nowMs }]),
      'leaseLost',
    )
    assert.equal((await lease(store)).rows.length, 0)
    assert.equal(await store.read.queueDue(), nowMs + 100)
    assert.equal((await lease(store, { nowMs: nowMs + 100 })).rows.length, 2)
    assert.equal((await lease(store, { nowMs: nowMs + 300 })).rows.length, 1)
  })

  check('the queue: thousands for a dead destination do not delay the one for another', async (store) => {
    await queued(store, 'dead.test', { count: 5000, firstAttemptMs: nowMs - 1000 })
    await queued(store, 'alive.test')
    await queued(store, 'well.test')
    const some = async (more: { after?: string; busy?: string[]; limit?: number }) => {
      const { rows, ...rest } = await lease(store, { perDestination: 20, ...more })
      return { rows: summed(rows), ...rest }
    }
    assert.deepEqual(await some({ limit: 21 }), {
      rows: ['dead.test 20', 'alive.test 1'],
      next: 'alive.test',
      more: true,
    })
    assert.deepEqual(await some({ after: 'dead.test', busy: ['dead.test'] }), { rows: ['well.test 1'], more: true })
    assert.deepEqual(await some({}), { rows: ['dead.test 20'], more: true })
    await queued(store, 'well.test')
    assert.deepEqual(await some({ busy: ['dead.test'] }), { rows: ['well.test 1'], more: true })
    assert.deepEqual(await some({ busy: ['dead.test'] }), { rows: [], more: false })
  })

  check('the queue: very many that are not due, or whose destination is busy, hide no other', async (store) => {
    const names = Array.from({ length: 2500 }, (_, i) => `d${i}.test`)
    for (const [destinations, firstAttemptMs] of [
      [names, nowMs + 1],
      [['z.test'], nowMs],
    ] as const) {
      const recipients = destinations.map((destination) => ({
        address: `u@${destination}`,
        destination: domainDestination(destination),
        parameters,
      }))
      const queue = { reversePath: '', recipients, prefix: '', firstAttemptMs, expiresAtMs: nowMs + 1000 }
      await store.commit([await arrival(store, message('out'), [], { queue })])
    }
    assert.deepEqual(summed((await lease(store)).rows), ['z.test 1'])
    await queued(store, 'z.test', { turnMs: nowMs + 1000 })
    // All of the others are due now, and none is wanted: each call looks at so many of them and says where to go on.
    let after: string | undefined
    let calls = 0
    const found: string[] = []
    do {
      const { rows, next } = await lease(store, { nowMs: nowMs + 1, leaseMs: 9e6, after, busy: names })
      found.push(...summed(rows))
      after = next
      calls++
    } while (after !== undefined || found.length === 0)
    assert.deepEqual(found, ['z.test 1'])
    assert.ok(calls >= 2 && calls <= 6, `${calls} calls`)
  })
}
