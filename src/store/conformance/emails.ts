/** Emails across mailboxes, threads, and what became of them since a position: what JMAP's /changes rests on. RFC 8620 §5.2, RFC 8621 §3, §4. */
import assert from 'node:assert/strict'
import type { AccountId, ModSeq } from '../../mail/ids.ts'
import type { EmailChange, EmailPosition } from '../emails.ts'
import type { Store } from '../store.ts'
import { addAccount, arrival, message, nowMs, refused, type Check } from './fixtures.ts'

const sweepAfterMs = 100 * 86_400_000

async function modSeqOf(store: Store, account: AccountId): Promise<ModSeq> {
  const all = (await store.read.emailChanges(account, { modSeq: Number.MAX_SAFE_INTEGER as ModSeq }, 1))!
  assert.equal(all.emails.length, 0)
  return all.to.modSeq
}

/** All pages, as a client asks for them. */
async function allChanges(store: Store, account: AccountId, after: EmailPosition, limit: number) {
  const emails: EmailChange[] = []
  for (let at = after; ;) {
    const page = (await store.read.emailChanges(account, at, limit))!
    assert.ok(page.emails.length <= limit)
    emails.push(...page.emails)
    if (!page.more) return { emails, to: page.to }
    assert.equal(page.emails.length, limit)
    at = page.to
  }
}

/** All emails of the account, by id. */
async function emailsOf(store: Store, account: AccountId): Promise<ReadonlyMap<number, string>> {
  const rows = await store.read.emails(
    account,
    Array.from({ length: 200 }, (_, n) => n + 1),
  )
  return new Map(rows.map((row) => [row.emailId, JSON.stringify(row)]))
}

export function emailChecks(check: Check): void {
  check('an email is one in all mailboxes that hold it, and its thread knows it', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const eve = await addAccount(store, 'eve@example.net')
    await store.commit([await arrival(store, message('one'), [bob.inbox])])
    const answer = message('Re: one', 'Yes.\r\n', 'In-Reply-To: <one@example.org>\r\n')
    await store.commit([await arrival(store, answer, [bob.inbox])])
    await store.commit([await arrival(store, message('two'), [eve.inbox])])
    await store.commit([{ kind: 'copy', mailbox: bob.inbox, uids: [[1, 1]], target: bob.trash, nowMs }])
    await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags: ['\\Flagged'] }])
    const [one, re] = await store.read.emails(bob.id, [1, 2, 3, 99])
    assert.deepEqual(
      one!.messages.map(({ mailbox, uid, flagsLow }) => [mailbox, uid, flagsLow !== 0]),
      [
        [bob.inbox, 1, true],
        [bob.trash, 1, false],
      ],
    )
    assert.equal(one!.internalDate.epochMs, nowMs)
    assert.equal(one!.sizeBytes, message('one').length + 'Return-Path: <>\r\n'.length)
    assert.ok(one!.createdModSeq < one!.messages[0]!.modSeq)
    assert.equal(re!.threadId, one!.threadId)
    assert.deepEqual(await store.read.threads(bob.id, [one!.threadId, 99]), [
      { threadId: one!.threadId, emailIds: [one!.emailId, re!.emailId] },
    ])
    assert.deepEqual(await store.read.threads(eve.id, [one!.threadId]), [])
    assert.equal((await store.read.emails(bob.id, [3])).length, 0)
    await store.commit([{ kind: 'expunge', mailbox: bob.inbox, force: true, nowMs }])
    assert.deepEqual(
      (await store.read.emails(bob.id, [1, 2])).map(({ emailId, messages }) => [emailId, messages.length]),
      [[1, 1]],
    )
    assert.deepEqual((await store.read.threads(bob.id, [one!.threadId]))[0]!.emailIds, [1])
  })

  check('what became of emails is told once each: created, updated, destroyed', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const file = async (subject: string) => store.commit([await arrival(store, message(subject), [bob.inbox])])
    for (const subject of ['a', 'b', 'c']) await file(subject)
    const state = await modSeqOf(store, bob.id)
    const told = async (): Promise<unknown> =>
      (await allChanges(store, bob.id, { modSeq: state }, 10)).emails
        .map(({ kind, emailId }) => `${kind} ${emailId}`)
        .sort()
    assert.deepEqual(await told(), [])
    await store.commit([{ kind: 'move', mailbox: bob.inbox, uids: [[1, 1]], target: bob.trash, nowMs }])
    assert.deepEqual(await told(), ['updated 1'])
    await store.commit([{ kind: 'copy', mailbox: bob.inbox, uids: [[2, 2]], target: bob.trash, nowMs }])
    await store.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[2, 3]], force: true, nowMs }])
    assert.deepEqual(await told(), ['destroyed 3', 'updated 1', 'updated 2'])
    await file('d')
    await file('e')
    // Came and went: nothing that a client could know.
    await store.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[5, 5]], force: true, nowMs }])
    assert.deepEqual(await told(), ['created 4', 'destroyed 3', 'updated 1', 'updated 2'])
    await store.commit([{ kind: 'mailboxCreate', account: bob.id, name: 'Old' }])
    const old = await store.read.mailboxByName(bob.id, 'Old')
    await store.commit([{ kind: 'move', mailbox: bob.trash, uids: [[1, 9]], target: old!.id, nowMs }])
    const before = await modSeqOf(store, bob.id)
    await store.commit([{ kind: 'mailboxDelete', account: bob.id, name: 'Old', nowMs }])
    assert.deepEqual(await told(), ['created 4', 'destroyed 1', 'destroyed 2', 'destroyed 3'])
    assert.deepEqual(await store.read.mailboxesGone(bob.id, before), [old!.id])
    // Made and deleted since: unknown then.
    assert.deepEqual(await store.read.mailboxesGone(bob.id, state), [])
    await store.sweep(nowMs)
    assert.deepEqual(await told(), ['created 4', 'destroyed 1', 'destroyed 2', 'destroyed 3'])
    await store.sweep(nowMs + sweepAfterMs)
    assert.equal(await store.read.emailChanges(bob.id, { modSeq: state }, 10), undefined)
    assert.equal(await store.read.mailboxesGone(bob.id, state), undefined)
    const now = await modSeqOf(store, bob.id)
    assert.deepEqual(await store.read.emailChanges(bob.id, { modSeq: now }, 10), {
      emails: [],
      to: { modSeq: now },
      more: false,
    })
    await refused(store.read.emailChanges(99 as AccountId, { modSeq: now }, 10), 'noSuchAccount')
  })

  check('a client that follows page by page has what is there', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    let seed = 11
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
      return (seed >> 8) % below
    }
    const mailboxes = [bob.inbox, bob.trash]
    let at: EmailPosition = { modSeq: await modSeqOf(store, bob.id) }
    const known = new Map<number, string>()
    for (let step = 0; step < 120; step++) {
      const mailbox = mailboxes[random(2)]!
      const target = mailboxes[random(2)]!
      const first = 1 + random(20)
      const uids = [[first, first + random(6)]] as const
      const what = random(7)
      if (what < 3) await store.commit([await arrival(store, message(`m${step}`), [mailbox])])
      else if (what === 3) await store.commit([{ kind: 'expunge', mailbox, uids, force: true, nowMs }])
      else if (what === 4) await store.commit([{ kind: 'move', mailbox, uids, target, nowMs }])
      else if (what === 5) await store.commit([{ kind: 'copy', mailbox, uids, target, nowMs }])
      else await store.commit([{ kind: 'flags', mailbox, uids, mode: 'add', flags: [`k${random(5)}`] }])
      // A page, sometimes, while it goes on.
      if (random(3) > 0) continue
      const page = (await store.read.emailChanges(bob.id, at, 1 + random(3)))!
      at = page.to
      await follow(store, bob.id, known, page.emails)
    }
    const { emails } = await allChanges(store, bob.id, at, 2)
    await follow(store, bob.id, known, emails)
    const there = await emailsOf(store, bob.id)
    assert.deepEqual([...known].sort(byId), [...there].sort(byId))
  })

  check('mailboxes say when they were made and when their properties changed', async (store) => {
    const bob = await addAccount(store, 'bob@example.org')
    const inbox = async () => (await store.read.mailbox(bob.inbox))!
    const made = await inbox()
    assert.equal(made.createdModSeq, made.propertyModSeq)
    await store.commit([await arrival(store, message('m'), [bob.inbox])])
    assert.equal((await inbox()).propertyModSeq, made.propertyModSeq)
    await store.commit([{ kind: 'subscribe', account: bob.id, name: 'INBOX', on: false }])
    const subscribed = await inbox()
    assert.ok(subscribed.propertyModSeq > made.propertyModSeq)
    assert.equal(subscribed.highestModSeq, (await inbox()).highestModSeq)
    await store.commit([{ kind: 'mailboxRename', account: bob.id, from: 'Trash', to: 'Bin', nowMs }])
    const bin = (await store.read.mailbox(bob.trash))!
    assert.ok(bin.propertyModSeq > subscribed.propertyModSeq)
    assert.ok(bin.createdModSeq < bin.propertyModSeq)
    assert.deepEqual(await store.read.mailboxesGone(bob.id, made.createdModSeq), [])
  })
}

const byId = ([a]: readonly [number, string], [b]: readonly [number, string]): number => a - b

/** Does as a client does: asks for what was created or updated, forgets what was destroyed. */
async function follow(
  store: Store,
  account: AccountId,
  known: Map<number, string>,
  changes: readonly EmailChange[],
): Promise<void> {
  const there = await emailsOf(store, account)
  for (const { kind, emailId } of changes) {
    if (kind === 'updated') assert.ok(known.has(emailId), `${emailId} is updated, and was never told`)
    // Gone meanwhile: the next page says so.
    const now = there.get(emailId)
    if (kind !== 'destroyed' && now !== undefined) known.set(emailId, now)
    else known.delete(emailId)
  }
}
