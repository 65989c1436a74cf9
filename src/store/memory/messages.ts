/** Messages that lie in mailboxes of the reference engine: flags, expunge, copy, move. */
import { deletedBit, editFlagWord, seenBit } from '../../mail/flags.ts'
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import type { MailboxRow } from '../entities.ts'
import type { Operation, Ranges, ResultOf } from '../operations.ts'
import { checkQuota } from '../receiving.ts'
import { StoreRefusal } from '../store.ts'
import type { MessageEntry, State } from './state.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

const isIn = (ranges: Ranges, uid: number): boolean => ranges.some(([first, last]) => first <= uid && uid <= last)

/** What messages count for in their mailbox's row, which has them from now on (1) or no longer (-1). */
function count(state: State, mailbox: number, messages: readonly MessageEntry[], by: 1 | -1): number {
  const row = state.mailbox(mailbox)
  const bytes = messages.reduce((sum, { email }) => sum + state.mail.emails.get(email)!.sizeBytes, 0)
  const having = (test: (low: number) => boolean): number => messages.filter(({ low }) => test(low)).length
  state.editMailbox(mailbox, {
    messages: row.messages + by * messages.length,
    unseen: row.unseen + by * having((low) => !(low & seenBit)),
    deleted: row.deleted + by * having((low) => Boolean(low & deletedBit)),
    sizeBytes: row.sizeBytes + by * bytes,
  })
  return bytes
}

/** Messages that come into a mailbox, in UID order behind those that are there. @returns their bytes. */
export function insertMessages(state: State, mailbox: number, came: readonly MessageEntry[]): number {
  state.mail.messages.set(mailbox, [...state.messages(mailbox), ...came])
  for (const { uid, low, high, modSeq } of came) state.changes.added(state.mailbox(mailbox), uid, low, high, modSeq)
  const { highestModSeq, uidNext } = state.mailbox(mailbox)
  const last = came[came.length - 1]!
  state.editMailbox(mailbox, {
    uidNext: Math.max(uidNext, last.uid + 1) as Uid,
    highestModSeq: Math.max(highestModSeq, last.modSeq) as ModSeq,
  })
  return count(state, mailbox, came, 1)
}

/** RFC 9051 §6.4.6. */
export function changeFlags(state: State, op: Op<'flags'>): ResultOf<Op<'flags'>> {
  const { mailbox, mode, unchangedSince = Infinity } = op
  const { account, highestModSeq } = state.mailbox(mailbox)
  const { low, high } = state.bits(account, op.flags)
  const before = state.messages(mailbox)
  const asked = before.filter(({ uid }) => isIn(op.uids, uid))
  const failed = asked.filter(({ modSeq }) => modSeq > unchangedSince).map(({ uid }) => uid)
  const edited = new Map<Uid, MessageEntry>()
  for (const message of asked) {
    if (message.modSeq > unchangedSince) continue
    const next = {
      ...message,
      low: editFlagWord(mode, message.low, low),
      high: editFlagWord(mode, message.high, high),
    }
    if (next.low !== message.low || next.high !== message.high) edited.set(message.uid, next)
  }
  if (edited.size === 0) return { modSeq: highestModSeq, failed }
  const modSeq = state.nextModSeq(account)
  count(
    state,
    mailbox,
    asked.filter(({ uid }) => edited.has(uid)),
    -1,
  )
  count(state, mailbox, [...edited.values()], 1)
  state.editMailbox(mailbox, { highestModSeq: modSeq })
  state.mail.messages.set(
    mailbox,
    before.map((message) => {
      const next = edited.get(message.uid)
      return next ? { ...next, modSeq } : message
    }),
  )
  const uids =
    op.unchangedSince === undefined ? op.uids : runsOf(before, op.uids, (one) => one.modSeq <= unchangedSince)
  state.changes.flags(state.mailbox(mailbox), modSeq, uids, { mode, low, high })
  return { modSeq, failed }
}

/** Neighbours among the messages that there are, as one range; ranges that were asked stay apart. */
function runsOf(messages: readonly MessageEntry[], asked: Ranges, taken: (message: MessageEntry) => boolean): Ranges {
  return asked.flatMap(([first, last]) => {
    const runs: [number, number][] = []
    let run: [number, number] | undefined
    for (const message of messages) {
      if (message.uid < first || message.uid > last) continue
      if (!taken(message)) run = undefined
      else if (run) run[1] = message.uid
      else runs.push((run = [message.uid, message.uid]))
    }
    return runs
  })
}

/** Emails lose the messages that held them. */
export function removeFrom(
  state: State,
  account: AccountId,
  gone: readonly MessageEntry[],
  modSeq: ModSeq,
  atMs: number,
): void {
  const removals = gone.map(({ email }) => {
    const { thread, createdModSeq } = state.mail.emails.get(email)!
    state.refEmail(email, -1)
    return { modSeq, email, thread, createdModSeq, atMs }
  })
  state.mail.removals.set(account, [...(state.mail.removals.get(account) ?? []), ...removals])
}

/** Takes messages out of a mailbox. `release`: their emails lose a holder. */
function takeOut(state: State, { id, account }: MailboxRow, runs: Ranges, nowMs: number, release: boolean): ModSeq {
  const modSeq = state.nextModSeq(account)
  const gone = state.messages(id).filter(({ uid }) => isIn(runs, uid))
  const bytes = count(state, id, gone, -1)
  state.mail.messages.set(
    id,
    state.messages(id).filter(({ uid }) => !isIn(runs, uid)),
  )
  state.editMailbox(id, { highestModSeq: modSeq })
  if (release) {
    removeFrom(state, account, gone, modSeq, nowMs)
    state.messagesCame(account, -gone.length, -bytes)
  }
  const taken = runs.map(([first, last]) => ({ modSeq, first: first as Uid, last: last as Uid, atMs: nowMs }))
  state.mail.expunged.set(id, [...(state.mail.expunged.get(id) ?? []), ...taken])
  state.changes.expunged({ id, account }, modSeq, runs)
  return modSeq
}

/** RFC 9051 §6.4.3. */
export function expunge(state: State, op: Op<'expunge'>): ResultOf<Op<'expunge'>> {
  const mailbox = state.mailbox(op.mailbox)
  const asked = op.uids ?? [[1, 0xffff_ffff]]
  const runs = runsOf(state.messages(mailbox.id), asked, ({ low }) => op.force === true || (low & deletedBit) !== 0)
  if (runs.length === 0) return { modSeq: mailbox.highestModSeq, expunged: [] }
  return { modSeq: takeOut(state, mailbox, runs, op.nowMs, true), expunged: runs }
}

interface Carried {
  readonly runs: Ranges
  readonly uidValidity: number
  readonly source: readonly number[]
  readonly firstUid: Uid
}

function carry(state: State, op: Op<'copy'> | Op<'move'>): Carried {
  const from = state.mailbox(op.mailbox)
  const { account, uidNext: firstUid, uidValidity } = state.mailbox(op.target)
  if (from.account !== account) throw new StoreRefusal('notAllowed', `${op.kind.toUpperCase()} stays within an account`)
  const runs = runsOf(state.messages(from.id), op.uids, () => true)
  const messages = state.messages(from.id).filter(({ uid }) => isIn(runs, uid))
  if (messages.length === 0) return { runs, uidValidity, source: [], firstUid }
  const bytes = messages.reduce((sum, { email }) => sum + state.mail.emails.get(email)!.sizeBytes, 0)
  if (op.kind === 'copy') checkQuota(state.account(account), bytes)
  const modSeq = state.nextModSeq(account)
  const came = messages.map(({ email, low, high, uidl }, n): MessageEntry => {
    const uid = (firstUid + n) as Uid
    return { uid, modSeq, email, low, high, savedMs: op.nowMs, uidl: op.kind === 'move' ? uidl : null }
  })
  insertMessages(state, op.target, came)
  if (op.kind === 'copy') {
    // The email is shared, its bytes are not copied.
    for (const { email } of messages) state.refEmail(email, 1)
    state.messagesCame(account, messages.length, bytes)
  }
  return { runs, uidValidity, source: messages.map(({ uid }) => uid), firstUid }
}

/** RFC 9051 §6.4.7. */
export function copy(state: State, op: Op<'copy'>): ResultOf<Op<'copy'>> {
  const { uidValidity, source, firstUid } = carry(state, op)
  return { uidValidity, source, firstUid }
}

/** RFC 9051 §6.4.8: copy and expunge in one step. */
export function move(state: State, op: Op<'move'>): ResultOf<Op<'move'>> {
  const { runs, uidValidity, source, firstUid } = carry(state, op)
  if (source.length > 0) takeOut(state, state.mailbox(op.mailbox), runs, op.nowMs, false)
  return { uidValidity, source, firstUid }
}
