/** What is done to messages that lie in mailboxes: flags, expunge, copy, move. Set-based: one statement per UID range. */
import type { ModSeq, Uid } from '../../mail/ids.ts'
import { deletedBit, seenBit, type FlagEdit } from '../../mail/flags.ts'
import type { Operation, Ranges, ResultOf } from '../operations.ts'
import { checkQuota } from '../receiving.ts'
import { StoreRefusal } from '../store.ts'
import type { MailboxState, WriteContext } from './context.ts'
import { eachMessage } from './packed.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

/** RFC 9051 §6.4.6. */
export function changeFlags(context: WriteContext, op: Op<'flags'>): ResultOf<Op<'flags'>> {
  const mailbox = context.mailbox(op.mailbox)
  const edit: FlagEdit = { mode: op.mode, ...context.keywords.bits(mailbox.account, op.flags) }
  const modSeq = (context.account(mailbox.account).modSeq + 1) as ModSeq
  const { uids, failed } = op.unchangedSince === undefined ? { uids: op.uids, failed: [] } : unchanged(context, op)
  let changed = 0
  for (const [first, last] of uids) {
    const { unseen, deleted } = countedDifference(context, op.mailbox, first, last, edit)
    const written = writeFlags(context, op.mailbox, first, last, edit, modSeq)
    if (written === 0) continue
    changed += written
    context.editMailbox(mailbox)
    mailbox.unseen += unseen
    mailbox.deleted += deleted
  }
  if (changed === 0) return { modSeq: mailbox.highestModSeq, failed }
  mailbox.highestModSeq = mailbox.editModSeq = context.nextModSeq(mailbox.account)
  context.changes.flags(mailbox, modSeq, uids, edit)
  return { modSeq, failed }
}

/** Those that have not changed since: their UIDs, as runs. RFC 7162 §3.1.3. */
function unchanged(
  context: WriteContext,
  { mailbox, uids: asked, unchangedSince }: Op<'flags'>,
): { readonly uids: Ranges; readonly failed: readonly number[] } {
  const uids: [number, number][] = []
  const failed: number[] = []
  for (const [first, last] of asked) {
    let run: [number, number] | undefined
    eachMessage(context.statements, mailbox, first, last, (uid, _low, _high, modSeq) => {
      if (modSeq > unchangedSince!) {
        failed.push(uid)
        run = undefined
      } else if (run) run[1] = uid
      else uids.push((run = [uid, uid]))
    })
  }
  return { uids, failed }
}

/** Writes those that have not the result already; no row is read for it. @returns how many. */
function writeFlags(
  context: WriteContext,
  mailbox: number,
  first: number,
  last: number,
  { mode, low, high }: FlagEdit,
  modSeq: ModSeq,
): number {
  const [set, differs] = {
    add: ['low = low | ?1, high = high | ?2', 'low & ?1 <> ?1 OR high & ?2 <> ?2'],
    remove: ['low = low & ~?1, high = high & ~?2', 'low & ?1 <> 0 OR high & ?2 <> 0'],
    replace: ['low = ?1, high = ?2', 'low <> ?1 OR high <> ?2'],
  }[mode] as [string, string]
  const sql = `UPDATE message SET ${set}, modSeq = ?3 WHERE mailbox = ?4 AND uid BETWEEN ?5 AND ?6 AND (${differs})`
  return Number(context.sql(sql).run(low, high, modSeq, mailbox, first, last).changes)
}

/** By how much the mailbox's counts will change: counted only where the edit can change them. */
function countedDifference(
  context: WriteContext,
  mailbox: number,
  first: number,
  last: number,
  { mode, low }: FlagEdit,
): { readonly unseen: number; readonly deleted: number } {
  if (mode !== 'replace' && (low & (seenBit | deletedBit)) === 0) return { unseen: 0, deleted: 0 }
  const row = context
    .sql(
      `SELECT count(*) AS messages, coalesce(sum(low & ${seenBit} = 0), 0) AS unseen, coalesce(sum(low & ${deletedBit} <> 0), 0) AS deleted
       FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ?`,
    )
    .get(mailbox, first, last)!
  const [messages, unseen, deleted] = [row['messages'], row['unseen'], row['deleted']] as [number, number, number]
  // All of them have a bit after it, none has, or it is not named.
  const after = (bit: number): boolean | undefined =>
    mode === 'replace' ? (low & bit) !== 0 : (low & bit) === 0 ? undefined : mode === 'add'
  const [seenAfter, deletedAfter] = [after(seenBit), after(deletedBit)]
  return {
    unseen: seenAfter === undefined ? 0 : (seenAfter ? 0 : messages) - unseen,
    deleted: deletedAfter === undefined ? 0 : (deletedAfter ? messages : 0) - deleted,
  }
}

const everything: Ranges = [[1, 0xffff_ffff]]

/** UIDs in the ranges that satisfy `where`, as runs over the messages that exist. */
function uidRuns(
  context: WriteContext,
  mailbox: number,
  ranges: Ranges,
  deletedOnly: boolean,
): { runs: [number, number][]; count: number } {
  const runs: [number, number][] = []
  let count = 0
  for (const [first, last] of ranges) {
    let run: [number, number] | undefined
    eachMessage(context.statements, mailbox, first, last, (uid, low) => {
      if (deletedOnly && !(low & deletedBit)) {
        run = undefined
        return
      }
      count++
      if (run) run[1] = uid
      else runs.push((run = [uid, uid]))
    })
  }
  return { runs, count }
}

interface Totals {
  messages: number
  bytes: number
  unseen: number
  deleted: number
}

function totals(context: WriteContext, mailbox: number, runs: Ranges): Totals {
  const sum: Totals = { messages: 0, bytes: 0, unseen: 0, deleted: 0 }
  for (const [first, last] of runs) {
    const row = context
      .sql(
        `SELECT count(*) AS messages, coalesce(sum(e.size), 0) AS bytes, coalesce(sum(m.low & ${seenBit} = 0), 0) AS unseen,
         coalesce(sum(m.low & ${deletedBit} <> 0), 0) AS deleted
         FROM message m JOIN email e ON e.id = m.email WHERE m.mailbox = ? AND m.uid BETWEEN ? AND ?`,
      )
      .get(mailbox, first, last)!
    sum.messages += row['messages'] as number
    sum.bytes += row['bytes'] as number
    sum.unseen += row['unseen'] as number
    sum.deleted += row['deleted'] as number
  }
  return sum
}

function addTotals(state: MailboxState, sum: Totals, sign: 1 | -1): void {
  state.messages += sign * sum.messages
  state.sizeBytes += sign * sum.bytes
  state.unseen += sign * sum.unseen
  state.deleted += sign * sum.deleted
}

/** Takes the rows out of the mailbox and notes the UIDs as expunged. `release`: the emails lose a holder. */
function takeOut(context: WriteContext, mailbox: MailboxState, runs: Ranges, nowMs: number, release: boolean): ModSeq {
  const sum = totals(context, mailbox.id, runs)
  const modSeq = context.nextModSeq(mailbox.account)
  for (const [first, last] of runs) {
    if (release) removeFrom(context, mailbox, [first, last], modSeq, nowMs)
    context.sql('DELETE FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ?').run(mailbox.id, first, last)
    context
      .sql('INSERT INTO expunged (mailbox, modSeq, first, last, atMs) VALUES (?, ?, ?, ?, ?)')
      .run(mailbox.id, modSeq, first, last, nowMs)
  }
  addTotals(context.editMailbox(mailbox), sum, -1)
  mailbox.highestModSeq = mailbox.editModSeq = modSeq
  if (release) context.messagesCame(context.account(mailbox.account), -sum.messages, -sum.bytes)
  context.changes.expunged(mailbox, modSeq, runs)
  return modSeq
}

/** Two messages of a mailbox may hold one email, hence the count. */
export function changeRefs(context: WriteContext, mailbox: number, first: number, last: number, sign: 1 | -1): void {
  context
    .sql(
      `UPDATE email SET refs = refs + ${sign} * held.n FROM
       (SELECT email, count(*) AS n FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ? GROUP BY email) AS held WHERE email.id = held.email`,
    )
    .run(mailbox, first, last)
}

/** The emails of these messages lose them: noted, for those that ask what changed. */
export function removeFrom(
  context: WriteContext,
  { id, account }: MailboxState,
  [first, last]: readonly [number, number],
  modSeq: ModSeq,
  nowMs: number,
): void {
  context
    .sql(
      `INSERT OR IGNORE INTO removal (account, modSeq, email, thread, createdModSeq, atMs)
       SELECT ?, ?, e.id, e.thread, e.createdModSeq, ? FROM message m JOIN email e ON e.id = m.email WHERE m.mailbox = ? AND m.uid BETWEEN ? AND ?`,
    )
    .run(account, modSeq, nowMs, id, first, last)
  changeRefs(context, id, first, last, -1)
}

/** RFC 9051 §6.4.3. */
export function expunge(context: WriteContext, op: Op<'expunge'>): ResultOf<Op<'expunge'>> {
  const mailbox = context.mailbox(op.mailbox)
  if (!op.force && mailbox.deleted === 0) return { modSeq: mailbox.highestModSeq, expunged: [] }
  const { runs } = uidRuns(context, op.mailbox, op.uids ?? everything, !op.force)
  if (runs.length === 0) return { modSeq: mailbox.highestModSeq, expunged: [] }
  return { modSeq: takeOut(context, mailbox, runs, op.nowMs, true), expunged: runs }
}

interface Copied {
  readonly runs: readonly (readonly [number, number])[]
  readonly source: readonly number[]
  readonly firstUid: Uid
}

function copyRows(
  context: WriteContext,
  op: Op<'copy'> | Op<'move'>,
  from: MailboxState,
  target: MailboxState,
): Copied {
  const { runs, count } = uidRuns(context, from.id, op.uids, false)
  const firstUid = target.uidNext
  if (count === 0) return { runs, source: [], firstUid }
  const sum = totals(context, from.id, runs)
  const account = context.account(target.account)
  // What is replayed fitted when it was committed.
  if (op.kind === 'copy' && !context.replaying) checkQuota(account, sum.bytes)
  const modSeq = context.nextModSeq(target.account)
  const source: number[] = []
  let next = firstUid
  for (const [first, last] of runs) {
    const firstOfRun = next
    eachMessage(context.statements, from.id, first, last, (uid, low, high) => {
      source.push(uid)
      context.changes.added(target, next++ as Uid, low, high, modSeq)
    })
    context
      .sql(
        `INSERT INTO message (mailbox, uid, modSeq, email, low, high, savedMs, uidl)
         SELECT ?, ? + row_number() OVER (ORDER BY uid) - 1, ?, email, low, high, ?, ${op.kind === 'move' ? 'uidl' : 'NULL'} FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ?`,
      )
      .run(target.id, firstOfRun, modSeq, op.nowMs, from.id, first, last)
    if (op.kind === 'copy') changeRefs(context, from.id, first, last, 1)
  }
  addTotals(context.editMailbox(target), sum, 1)
  target.uidNext = next
  target.highestModSeq = modSeq
  if (op.kind === 'copy') context.messagesCame(account, sum.messages, sum.bytes)
  return { runs, source, firstUid }
}

/** RFC 9051 §6.4.7. The email is shared, its bytes are not copied. */
export function copy(context: WriteContext, op: Op<'copy'>): ResultOf<Op<'copy'>> {
  const from = context.mailbox(op.mailbox)
  const target = context.mailbox(op.target)
  if (from.account !== target.account) throw new StoreRefusal('notAllowed', 'COPY stays within an account')
  const { source, firstUid } = copyRows(context, op, from, target)
  return { uidValidity: target.uidValidity, source, firstUid }
}

/** RFC 9051 §6.4.8: copy and expunge in one step. */
export function move(context: WriteContext, op: Op<'move'>): ResultOf<Op<'move'>> {
  const from = context.mailbox(op.mailbox)
  const target = context.mailbox(op.target)
  if (from.account !== target.account) throw new StoreRefusal('notAllowed', 'MOVE stays within an account')
  const { runs, source, firstUid } = copyRows(context, op, from, target)
  if (source.length > 0) takeOut(context, from, runs, op.nowMs, false)
  return { uidValidity: target.uidValidity, source, firstUid }
}
