/** What is done to messages that lie in mailboxes: flags, expunge, copy, move. Set-based: one statement per UID range. */
import type { ModSeq, Uid } from '../../mail/ids.ts'
import { deletedBit, seenBit, type FlagBits } from '../../mail/flags.ts'
import type { FlagRange } from '../changes.ts'
import type { Operation, Ranges, ResultOf } from '../operations.ts'
import { StoreRefusal } from '../store.ts'
import type { MailboxState, WriteContext } from './context.ts'
import { eachMessage } from './packed.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

/** RFC 9051 §6.4.6. */
export function changeFlags(context: WriteContext, op: Op<'flags'>): ResultOf<Op<'flags'>> {
  const mailbox = context.mailbox(op.mailbox)
  const bits = context.keywords.bits(mailbox.account, op.flags)
  const limit = op.unchangedSince ?? Number.MAX_SAFE_INTEGER
  const failed: number[] = []
  const runs: FlagRange[] = []
  const written: [number, number][] = []
  let unseen = 0
  let deleted = 0
  for (const [first, last] of op.uids) {
    let run: { first: number; last: number; flagsLow: number; flagsHigh: number } | undefined
    eachMessage(context.statements, op.mailbox, first, last, (uid, oldLow, oldHigh, oldModSeq) => {
      if (oldModSeq > limit) {
        failed.push(uid)
        run = undefined
        return
      }
      const { low, high } = changed(op.mode, bits, oldLow, oldHigh)
      if (low === oldLow && high === oldHigh) {
        run = undefined
        return
      }
      unseen += (oldLow & seenBit ? 0 : -1) + (low & seenBit ? 0 : 1)
      deleted += (low & deletedBit ? 1 : 0) - (oldLow & deletedBit ? 1 : 0)
      if (run && run.flagsLow === low && run.flagsHigh === high) run.last = uid
      else runs.push((run = { first: uid, last: uid, flagsLow: low, flagsHigh: high }))
    })
  }
  if (runs.length === 0) return { modSeq: mailbox.highestModSeq, changed: [], failed }
  const modSeq = context.nextModSeq(mailbox.account)
  for (const run of runs) {
    context
      .sql('UPDATE message SET low = ?, high = ?, modSeq = ? WHERE mailbox = ? AND uid BETWEEN ? AND ?')
      .run(run.flagsLow, run.flagsHigh, modSeq, op.mailbox, run.first, run.last)
    const before = written[written.length - 1]
    if (before && before[1] + 1 === run.first) before[1] = run.last
    else written.push([run.first, run.last])
  }
  context.editMailbox(mailbox)
  mailbox.unseen += unseen
  mailbox.deleted += deleted
  mailbox.highestModSeq = modSeq
  context.changes.flags(op.mailbox, modSeq, runs)
  return { modSeq, changed: written, failed }
}

function changed(mode: Op<'flags'>['mode'], bits: FlagBits, low: number, high: number): FlagBits {
  if (mode === 'add') return { low: low | bits.low, high: high | bits.high }
  if (mode === 'remove') return { low: low & ~bits.low, high: high & ~bits.high }
  return bits
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
    if (release) changeRefs(context, mailbox.id, first, last, -1)
    context.sql('DELETE FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ?').run(mailbox.id, first, last)
    context
      .sql('INSERT INTO expunged (mailbox, modSeq, first, last, atMs) VALUES (?, ?, ?, ?, ?)')
      .run(mailbox.id, modSeq, first, last, nowMs)
  }
  addTotals(context.editMailbox(mailbox), sum, -1)
  mailbox.highestModSeq = modSeq
  if (release) context.messagesCame(context.account(mailbox.account), -sum.messages, -sum.bytes)
  context.changes.expunged(mailbox.id, modSeq, runs)
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
  if (op.kind === 'copy' && account.quotaBytes > 0 && account.usedBytes + sum.bytes > account.quotaBytes) {
    throw new StoreRefusal('overQuota', `${account.name} is over quota`)
  }
  const modSeq = context.nextModSeq(target.account)
  const source: number[] = []
  let next = firstUid
  for (const [first, last] of runs) {
    const firstOfRun = next
    eachMessage(context.statements, from.id, first, last, (uid, low, high) => {
      source.push(uid)
      context.changes.added(target.id, next++ as Uid, low, high, modSeq)
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
