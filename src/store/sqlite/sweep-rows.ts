/** Deletes unreferenced and old rows: emails without messages, contents without emails, old expunge records, finished ledger rows. */
import type { EngineOperation, ResultOf } from '../operations.ts'
import type { WriteContext } from './context.ts'

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
  const expunged = context
    .sql(
      'DELETE FROM expunged WHERE (mailbox, modSeq, first) IN (SELECT mailbox, modSeq, first FROM expunged WHERE atMs < ? LIMIT ?)',
    )
    .run(op.expungedBeforeMs, op.limit).changes
  const ledger = context
    .sql(
      "DELETE FROM ledger WHERE (arrivalId, n) IN (SELECT arrivalId, n FROM ledger WHERE arrivalId < ? AND outcome NOT IN ('queued', 'quarantined') LIMIT ?)",
    )
    .run(op.ledgerBefore, op.limit).changes
  const more = [emails.length, contents.length, Number(expunged), Number(ledger)].some((count) => count === op.limit)
  return { files, contents: contents.length, expunged: Number(expunged), more }
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
