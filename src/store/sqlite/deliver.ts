/** Messages coming in: numbers first (before the record is written), rows after its sync. docs/architecture.md §1. */
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import { seenBit, deletedBit } from '../../mail/flags.ts'
import type { Operation } from '../operations.ts'
import { noFacts } from '../facts.ts'
import { storedDestination } from '../record-form.ts'
import type { ZonedInstant } from '../content.ts'
import { checkQuota, checkReceives } from '../receiving.ts'
import { ledger, nextLedgerN } from './ledger.ts'
import type { AccountState, MailboxState, WriteContext } from './context.ts'

export type Arrive = Extract<Operation, { kind: 'arrive' }>
export type Append = Extract<Operation, { kind: 'append' }>

/** Where a content lies once its record is placed. */
export interface ContentPlace {
  readonly segment: number
  readonly position: number
  readonly file: string | null
  readonly sizeBytes: number
  digest(): Uint8Array
}

/** One filing with its numbers. */
interface Placed {
  readonly mailbox: MailboxState
  readonly account: AccountState
  readonly uid: Uid
  readonly modSeq: ModSeq
  readonly emailId: number
  readonly low: number
  readonly high: number
  readonly prefix: string
  readonly recipients: readonly string[]
  readonly sizeBytes: number
  readonly uidl: string | null
}

/** An operation whose numbers are given and whose rows are to come. */
export interface Delivery {
  readonly operation: Arrive | Append
  readonly content: ContentPlace
  readonly contentId: number
  readonly placed: readonly Placed[]
  readonly entryId: number
  readonly recipientIds: readonly number[]
}

/** How many numbers a delivery's record holds: content id, three per filing, and the queue's ids. */
export function numbersOf(operation: Arrive | Append): number {
  if (operation.kind === 'append') return 4
  return 1 + operation.filings.length * 3 + (operation.queue ? 1 + operation.queue.recipients.length : 0)
}

/** Numbers either given anew, or read back from a record that is replayed. */
interface Source {
  content(): number
  filing(mailbox: MailboxState): { uid: Uid; modSeq: ModSeq; emailId: number }
  entry(): number
  recipient(): number
}

export function fresh(context: WriteContext, numbers: number[]): Source {
  const { counters } = context
  const give = <N extends number>(value: N): N => {
    numbers.push(value)
    return value
  }
  return {
    content: () => give(counters.content++),
    filing: (mailbox) => ({
      uid: give(mailbox.uidNext),
      modSeq: give(context.nextModSeq(mailbox.account)),
      emailId: give(counters.email++),
    }),
    entry: () => give(counters.entry++),
    recipient: () => give(counters.recipient++),
  }
}

function replayed(context: WriteContext, numbers: Float64Array, start: number): Source {
  const { counters } = context
  let at = start
  const take = (): number => numbers[at++]!
  const keep = (name: keyof typeof counters): number => {
    const value = take()
    counters[name] = Math.max(counters[name], value + 1)
    return value
  }
  return {
    content: () => keep('content'),
    filing(mailbox) {
      const uid = take()
      const given = take() as ModSeq
      // Behind a record that was lost all numbers have jumped ahead.
      const modSeq =
        given > context.account(mailbox.account).modSeq
          ? context.reach(mailbox.account, given)
          : context.nextModSeq(mailbox.account)
      return { uid: Math.max(uid, mailbox.uidNext) as Uid, modSeq, emailId: keep('email') }
    },
    entry: () => keep('entry'),
    recipient: () => keep('recipient'),
  }
}

/** Where one filing goes. */
interface Target {
  readonly mailbox: MailboxState
  readonly account: AccountState
  readonly prefix: string
  readonly flags: readonly string[]
  readonly recipients: readonly string[]
  readonly uidl: string | null
}

/** Everything that can be declined is declined here, before a number is given. */
function targetsOf(context: WriteContext, operation: Arrive | Append, replaying: boolean): Target[] {
  const filings =
    operation.kind === 'append'
      ? [{ mailbox: operation.mailbox, prefix: '', flags: operation.flags, recipients: [], uidl: operation.uidl }]
      : operation.filings
  const wanted = new Map<AccountState, number>()
  const targets = filings.map((filing) => {
    const mailbox = context.mailbox(filing.mailbox)
    const account = context.account(mailbox.account)
    wanted.set(account, (wanted.get(account) ?? 0) + operation.content.sizeBytes + filing.prefix.length)
    const { prefix, flags, recipients, uidl = null } = filing
    return { mailbox, account, prefix, flags, recipients, uidl }
  })
  if (replaying) return targets
  for (const [account, bytes] of wanted) {
    if (operation.kind === 'arrive') checkReceives(account)
    checkQuota(account, bytes)
  }
  return targets
}

/** Gives the numbers; throws StoreRefusal before it has given any (a new keyword may have its bit). `numbers` receives them, or (replaying) holds them from `at`. */
export function allocate(
  context: WriteContext,
  operation: Arrive | Append,
  content: ContentPlace,
  numbers: number[] | Float64Array,
  at = 0,
): Delivery {
  const replaying = numbers instanceof Float64Array
  const targets = targetsOf(context, operation, replaying)
  const bits = targets.map((target) => context.keywords.bits(target.account.id, target.flags))
  const source = replaying ? replayed(context, numbers, at) : fresh(context, numbers)
  const contentId = source.content()
  const placed = targets.map((target, i) =>
    placeFiling(context, target, bits[i]!, operation.content.sizeBytes + target.prefix.length, source),
  )
  const queue = operation.kind === 'arrive' ? operation.queue : undefined
  const entryId = queue ? source.entry() : 0
  const recipientIds = queue ? queue.recipients.map(() => source.recipient()) : []
  // Of rows that come later it was told when they were promised.
  const isNews = !replaying || context.replaying
  if (queue && queue.leasedUntilMs === undefined && isNews)
    context.changes.push({ kind: 'queue', dueMs: queue.firstAttemptMs })
  return { operation, content, contentId, placed, entryId, recipientIds }
}

/** The numbers of one filing, and what they change of the mailbox and the account. */
export function placeFiling(
  context: WriteContext,
  { mailbox: before, account, prefix, recipients, uidl }: Target,
  { low, high }: { readonly low: number; readonly high: number },
  sizeBytes: number,
  source: Source,
): Placed {
  const mailbox = context.editMailbox(before)
  const { uid, modSeq, emailId } = source.filing(mailbox)
  mailbox.uidNext = (uid + 1) as Uid
  mailbox.highestModSeq = Math.max(mailbox.highestModSeq, modSeq) as ModSeq
  mailbox.messages++
  mailbox.sizeBytes += sizeBytes
  if (!(low & seenBit)) mailbox.unseen++
  if (low & deletedBit) mailbox.deleted++
  context.messagesCame(account, 1, sizeBytes)
  context.changes.added(mailbox, uid, low, high, modSeq)
  return { mailbox, account, uid, modSeq, emailId, low, high, prefix, recipients, sizeBytes, uidl }
}

/** The rows of one filing. */
export function insertFiling(
  context: WriteContext,
  filing: Placed,
  contentId: number,
  at: ZonedInstant,
  savedMs: number,
  threadKeys: readonly number[],
): void {
  const { emailId, account, mailbox, uid, modSeq, low, high, uidl } = filing
  context
    .sql(
      'INSERT INTO email (id, account, content, refs, dateMs, dateOffset, size, thread, createdModSeq, prefix) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)',
    )
    .run(
      emailId,
      account.id,
      contentId,
      at.epochMs,
      at.offsetMinutes,
      filing.sizeBytes,
      threadOf(context, account.id, threadKeys, emailId),
      modSeq,
      filing.prefix,
    )
  context
    .sql('INSERT INTO message (mailbox, uid, modSeq, email, low, high, savedMs, uidl) VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(mailbox.id, uid, modSeq, emailId, low, high, savedMs, uidl)
}

/** The rows of a delivery. Nothing here can be declined. */
export function insertRows(context: WriteContext, delivery: Delivery): void {
  const { operation, content, contentId, placed } = delivery
  const { facts = noFacts } = operation
  const queue = operation.kind === 'arrive' ? operation.queue : undefined
  const refs = placed.length + (queue ? 1 : 0)
  if (refs > 0) {
    context.segmentUsed(content.segment, content.sizeBytes)
    context.totals.contents++
    context
      .sql(
        'INSERT INTO content (id, digest, size, segment, position, file, refs, sentDay, envelope, body, bodyStructure) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        contentId,
        content.digest(),
        content.sizeBytes,
        content.segment,
        content.position,
        content.file,
        refs,
        facts.sentDay,
        facts.envelope,
        facts.body,
        facts.bodyStructure,
      )
  }
  const at = operation.kind === 'append' ? operation.internalDate : operation.at
  const savedMs = operation.kind === 'append' ? operation.savedAtMs : operation.at.epochMs
  const { arrivalId, at: arrivedAt } = operation.kind === 'arrive' ? operation : { arrivalId: '', at }
  let n = operation.kind === 'arrive' ? nextLedgerN(context, arrivalId) : 0
  for (const filing of placed) {
    insertFiling(context, filing, contentId, at, savedMs, facts.threadKeys)
    const detail = `${filing.mailbox.name} ${filing.uid}`
    for (const recipient of filing.recipients) {
      ledger(context, arrivalId, n++, recipient, arrivedAt.epochMs, 'filed', arrivedAt.epochMs, detail)
    }
  }
  if (operation.kind !== 'arrive') return
  for (const { recipient, rule } of operation.discarded ?? []) {
    ledger(context, arrivalId, n++, recipient, arrivedAt.epochMs, 'discarded', arrivedAt.epochMs, rule)
  }
  for (const { recipient, reply } of operation.bounced ?? []) {
    ledger(context, arrivalId, n++, recipient, arrivedAt.epochMs, 'bounced', arrivedAt.epochMs, reply)
  }
  if (queue) insertQueue(context, delivery, n)
}

function insertQueue(context: WriteContext, delivery: Delivery, firstN: number): void {
  const operation = delivery.operation as Arrive
  const queue = operation.queue!
  const acceptedMs = operation.at.epochMs
  context
    .sql(
      'INSERT INTO queueEntry (id, arrivalId, content, reversePath, prefix, size, acceptedMs, expiresMs, submitter, recipients) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    .run(
      delivery.entryId,
      operation.arrivalId,
      delivery.contentId,
      queue.reversePath,
      queue.prefix,
      operation.content.sizeBytes + queue.prefix.length,
      acceptedMs,
      queue.expiresAtMs,
      queue.submitter ?? null,
      queue.recipients.length,
    )
  let n = firstN
  const leased = queue.leasedUntilMs !== undefined
  context.totals.recipients += queue.recipients.length
  queue.recipients.forEach((recipient, i) => {
    context
      .sql(
        'INSERT INTO recipient (id, entry, n, address, destination, state, dueMs, turnMs, fence, leasedUntilMs, parameters) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        delivery.recipientIds[i]!,
        delivery.entryId,
        n,
        recipient.address,
        storedDestination(recipient.destination),
        leased ? 'leased' : queue.held ? 'held' : queue.firstAttemptMs > acceptedMs ? 'deferred' : 'ready',
        queue.leasedUntilMs ?? queue.firstAttemptMs,
        recipient.turnMs ?? queue.firstAttemptMs,
        leased ? 1 : 0,
        queue.leasedUntilMs ?? 0,
        JSON.stringify(recipient.parameters),
      )
    ledger(context, operation.arrivalId, n++, recipient.address, acceptedMs, 'queued', null, null)
  })
}

/** The thread that any of the keys already belongs to, else a new one named after this email. All keys belong to it from now on; threads never merge. */
function threadOf(context: WriteContext, account: AccountId, keys: readonly number[], emailId: number): number {
  let thread = 0
  for (const key of keys) {
    const row = context.sql('SELECT thread FROM threadKey WHERE account = ? AND key = ?').get(account, key)
    if (row) {
      thread = row['thread'] as number
      break
    }
  }
  thread ||= emailId
  for (const key of keys) {
    context.sql('INSERT OR IGNORE INTO threadKey (account, key, thread) VALUES (?, ?, ?)').run(account, key, thread)
  }
  return thread
}
