/** Messages that come in, in the reference engine: filed, queued, each recipient with its row in the ledger. docs/architecture.md §3. */
import { destinationKey } from '../../mail/destination.ts'
import type { AccountId, Uid } from '../../mail/ids.ts'
import type { ZonedInstant } from '../content.ts'
import type { ContentFacts, Operation, QueuedIds, ResultOf } from '../operations.ts'
import { noFacts } from '../facts.ts'
import { checkQuota, checkReceives } from '../receiving.ts'
import { StoreRefusal, type StoredContent } from '../store.ts'
import { insertMessages } from './messages.ts'
import type { ContentEntry, State } from './state.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

interface Filed {
  readonly mailbox: number
  readonly content: number
  readonly prefix: string
  readonly flags: readonly string[]
  readonly at: ZonedInstant
  readonly savedMs: number
  readonly threadKeys: readonly number[]
  readonly uidl: string | null
}

/** The thread that any of the keys belongs to already, else a new one; all keys belong to it from now on. Threads never merge. */
function threadOf(state: State, account: AccountId, keys: readonly number[], email: number): number {
  const { threads } = state.mail
  const names = keys.map((key) => `${account} ${key}`)
  const known = names.find((name) => threads.get(name) !== undefined)
  const thread = known === undefined ? email : threads.get(known)!
  for (const name of names) if (threads.get(name) === undefined) threads.set(name, thread)
  return thread
}

function file(state: State, filed: Filed): { readonly mailbox: number; readonly uid: Uid } {
  const { account } = state.mailbox(filed.mailbox)
  const sizeBytes = state.mail.contents.get(filed.content)!.bytes.length + filed.prefix.length
  const { low, high } = state.bits(account, filed.flags)
  const { uidNext: uid } = state.mailbox(filed.mailbox)
  const modSeq = state.nextModSeq(account)
  const email = state.next('email')
  state.mail.emails.set(email, {
    id: email,
    account,
    content: filed.content,
    refs: 1,
    dateMs: filed.at.epochMs,
    offsetMinutes: filed.at.offsetMinutes,
    sizeBytes,
    thread: threadOf(state, account, filed.threadKeys, email),
    prefix: filed.prefix,
    createdModSeq: modSeq,
  })
  state.refContent(filed.content, 1)
  state.messagesCame(account, 1, sizeBytes)
  insertMessages(state, filed.mailbox, [{ uid, modSeq, email, low, high, savedMs: filed.savedMs, uidl: filed.uidl }])
  return { mailbox: filed.mailbox, uid }
}

/** Keys of threads belong to an account, the rest to the content. */
function factsOfContent({ envelope, body, bodyStructure, sentDay }: ContentFacts): ContentEntry['facts'] {
  return { envelope, body, bodyStructure, sentDay }
}

function insertContent(state: State, content: StoredContent, facts: ContentFacts): number {
  const id = state.next('content')
  state.mail.contents.set(id, { bytes: content.whole!, refs: 0, facts: factsOfContent(facts) })
  return id
}

/** All filings fit, or none is done. */
function checkFilings(state: State, op: Op<'arrive'>): void {
  const wanted = new Map<AccountId, number>()
  for (const { mailbox, prefix } of op.filings) {
    const { account } = state.mailbox(mailbox)
    wanted.set(account, (wanted.get(account) ?? 0) + op.content.sizeBytes + prefix.length)
  }
  for (const [id, bytes] of wanted) {
    checkReceives(state.account(id))
    checkQuota(state.account(id), bytes)
  }
}

export function arrive(state: State, op: Op<'arrive'>): ResultOf<Op<'arrive'>> {
  checkFilings(state, op)
  const { arrivalId, at, facts = noFacts } = op
  // New keywords come before everything that has a modSeq.
  for (const { mailbox, flags } of op.filings) state.bits(state.mailbox(mailbox).account, flags)
  const content = insertContent(state, op.content, facts)
  const end = (recipient: string, outcome: 'filed' | 'discarded' | 'bounced', detail: string): void =>
    state.note({ arrivalId, recipient, acceptedAtMs: at.epochMs, outcome, endedAtMs: at.epochMs, detail })
  const filed = op.filings.map(({ mailbox, prefix, flags, recipients, uidl = null }) => {
    const { threadKeys } = facts
    const done = file(state, { mailbox, content, prefix, flags, at, savedMs: at.epochMs, threadKeys, uidl })
    for (const recipient of recipients) end(recipient, 'filed', `${state.mailbox(mailbox).name} ${done.uid}`)
    return done
  })
  for (const { recipient, rule } of op.discarded ?? []) end(recipient, 'discarded', rule)
  for (const { recipient, reply } of op.bounced ?? []) end(recipient, 'bounced', reply)
  const queued = op.queue && insertQueue(state, op, content)
  if (state.mail.contents.get(content)!.refs === 0) state.mail.contents.delete(content)
  return queued ? { filed, queued } : { filed }
}

function insertQueue(state: State, op: Op<'arrive'>, content: number): QueuedIds {
  const { arrivalId, at } = op
  const queue = op.queue!
  const { leasedUntilMs, firstAttemptMs } = queue
  const entry = state.next('entry')
  state.refContent(content, 1)
  state.queue.entries.set(entry, {
    arrivalId,
    content,
    reversePath: queue.reversePath,
    prefix: queue.prefix,
    sizeBytes: op.content.sizeBytes + queue.prefix.length,
    acceptedMs: at.epochMs,
    expiresMs: queue.expiresAtMs,
    submitter: queue.submitter ?? null,
    recipients: queue.recipients.length,
  })
  const isLeased = leasedUntilMs !== undefined
  const waiting = queue.held ? 'held' : firstAttemptMs > at.epochMs ? 'deferred' : 'ready'
  const recipients = queue.recipients.map(({ address, destination, parameters, turnMs = firstAttemptMs }) => {
    const id = state.next('recipient')
    const n = state.queue.ledger.get(arrivalId)?.length ?? 0
    state.note({
      arrivalId,
      recipient: address,
      acceptedAtMs: at.epochMs,
      outcome: 'queued',
      endedAtMs: null,
      detail: null,
    })
    state.queue.recipients.set(id, {
      id,
      entry,
      n,
      address,
      destination: destinationKey(destination),
      state: isLeased ? 'leased' : waiting,
      dueMs: leasedUntilMs ?? firstAttemptMs,
      turnMs,
      fence: isLeased ? 1 : 0,
      leasedUntilMs: leasedUntilMs ?? 0,
      attempts: 0,
      reply: null,
      parameters,
      isLeasedFromStart: isLeased,
    })
    return id
  })
  if (!isLeased) state.changes.push({ kind: 'queue', dueMs: firstAttemptMs })
  return { entry, recipients }
}

export function append(state: State, op: Op<'append'>): ResultOf<Op<'append'>> {
  const { mailbox, flags, internalDate: at, savedAtMs: savedMs, uidl = null } = op
  const { account, uidValidity } = state.mailbox(mailbox)
  checkQuota(state.account(account), op.content.sizeBytes)
  const { facts = noFacts } = op
  const content = insertContent(state, op.content, facts)
  const { threadKeys } = facts
  const { uid } = file(state, { mailbox, content, prefix: '', flags, at, savedMs, threadKeys, uidl })
  return { uidValidity, uid }
}

/** A queued message is filed: its content gets another holder, and is not copied. */
export function fileQueued(state: State, op: Op<'queueFile'>): ResultOf<Op<'queueFile'>> {
  const entry = state.queue.entries.get(op.entry)
  if (!entry) throw new StoreRefusal('noSuchEntry', `There is no queued message ${op.entry}`)
  const { content, acceptedMs } = entry
  const held = state.mail.contents.get(content)!
  const prefix = op.prefix + entry.prefix
  const account = state.account(state.mailbox(op.mailbox).account)
  checkReceives(account)
  checkQuota(account, held.bytes.length + prefix.length)
  if (op.facts) state.mail.contents.set(content, { ...held, facts: factsOfContent(op.facts) })
  const { mailbox, flags, threadKeys } = op
  const at = { epochMs: acceptedMs, offsetMinutes: 0 }
  const { uid } = file(state, { mailbox, content, prefix, flags, at, savedMs: acceptedMs, threadKeys, uidl: null })
  return { uid }
}
