/** Deletes unreferenced and old rows: emails without messages, contents without emails, old expunge records, finished ledger rows. */
import type { EngineOperation, ResultOf } from '../operations.ts'
import type { WriteContext } from './context.ts'
import type { Row } from './driver.ts'

type SweepRows = Extract<EngineOperation, { kind: 'sweepRows' }>

export function sweepRows(context: WriteContext, op: SweepRows): ResultOf<SweepRows> {
  const emails = context.sql('SELECT id, content FROM email WHERE refs = 0 ORDER BY id LIMIT ?').all(op.limit)
  for (const { id, content } of emails) {
    context.sql('DELETE FROM email WHERE id = ?').run(id!)
    context.sql('UPDATE content SET refs = refs - 1 WHERE id = ?').run(content!)
  }
  const contents = context
    .sql('SELECT id, segment, size, file FROM content WHERE refs = 0 ORDER BY id LIMIT ?')
    .all(op.limit)
  const files: string[] = []
  for (const { id, segment, size, file } of contents) {
    context.sql('DELETE FROM content WHERE id = ?').run(id!)
    context.totals.contents--
    if (file === null) context.segmentUsed(segment as number, -(size as number))
    else files.push(file as string)
  }
  // Tables that were kept and are old: they only take room.
  context
    .sql(
      'DELETE FROM snapshot WHERE mailbox IN (SELECT s.mailbox FROM snapshot s JOIN mailbox m ON m.id = s.mailbox WHERE m.editModSeq > s.highestModSeq LIMIT ?)',
    )
    .run(op.limit)
  const expunged = forgetExpunged(context, op)
  const removals = forgetOf(context, 'removal', 'email', op) + forgetOf(context, 'mailboxGone', 'mailbox', op)
  const ledger = context
    .sql(
      "DELETE FROM ledger WHERE (arrivalId, n) IN (SELECT arrivalId, n FROM ledger WHERE arrivalId < ? AND outcome NOT IN ('queued', 'quarantined') LIMIT ?)",
    )
    .run(op.ledgerBefore, op.limit).changes
  const more = [emails.length, contents.length, expunged, Number(ledger)].some((count) => count === op.limit)
  return { files, contents: contents.length, expunged, more: more || removals >= op.limit }
}

/** What changed before the row's modSeq is not all known any more. */
function forget(context: WriteContext, row: Row): void {
  context
    .sql('UPDATE account SET forgottenModSeq = ?2 WHERE id = ?1 AND forgottenModSeq < ?2')
    .run(row['account'] as number, row['modSeq'] as number)
}

/** @returns how many runs of UIDs. */
function forgetExpunged(context: WriteContext, { expungedBeforeMs, limit }: SweepRows): number {
  const rows = context
    .sql(
      'SELECT account, mailbox, modSeq, first FROM (SELECT mailbox, modSeq, first FROM expunged WHERE atMs < ? LIMIT ?) JOIN mailbox ON mailbox.id = mailbox',
    )
    .all(expungedBeforeMs, limit)
  for (const row of rows) {
    forget(context, row)
    context
      .sql('DELETE FROM expunged WHERE mailbox = ? AND modSeq = ? AND first = ?')
      .run(row['mailbox'] as number, row['modSeq'] as number, row['first'] as number)
  }
  return rows.length
}

/** @returns how many rows. */
function forgetOf(
  context: WriteContext,
  table: 'removal' | 'mailboxGone',
  what: 'email' | 'mailbox',
  { expungedBeforeMs, limit }: SweepRows,
): number {
  const rows = context
    .sql(`SELECT account, modSeq, ${what} AS id FROM ${table} WHERE atMs < ? LIMIT ?`)
    .all(expungedBeforeMs, limit)
  for (const row of rows) {
    forget(context, row)
    context
      .sql(`DELETE FROM ${table} WHERE account = ? AND modSeq = ? AND ${what} = ?`)
      .run(row['account'] as number, row['modSeq'] as number, row['id'] as number)
  }
  return rows.length
}

/** @returns those that nothing has come into meanwhile: rows that were left for later may have. */
export function segmentsGone(
  context: WriteContext,
  op: Extract<EngineOperation, { kind: 'segmentsGone' }>,
): ResultOf<typeof op> {
  const empty = op.segments.filter(
    (segment) => !context.sql('SELECT 1 FROM content WHERE segment = ? AND file IS NULL LIMIT 1').get(segment),
  )
  for (const segment of empty) context.sql('DELETE FROM segmentUse WHERE segment = ?').run(segment)
  return { segments: empty }
}
