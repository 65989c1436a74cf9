/** Rows that say what became of each recipient of an arrival: durable, and the last word. docs/architecture.md §9. */
import type { WriteContext } from './context.ts'

/** After the rows of an earlier arrival with the same id: the record is durable by now, and a repeated id must not stop its rows. */
export function nextLedgerN(context: WriteContext, arrivalId: string): number {
  return context.sql('SELECT coalesce(max(n) + 1, 0) AS n FROM ledger WHERE arrivalId = ?').get(arrivalId)![
    'n'
  ] as number
}

export function ledger(
  context: WriteContext,
  arrivalId: string,
  n: number,
  recipient: string,
  acceptedMs: number,
  outcome: string,
  endedMs: number | null,
  detail: string | null,
): void {
  context
    .sql(
      'INSERT INTO ledger (arrivalId, n, recipient, acceptedMs, outcome, endedMs, detail) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(arrivalId, n, recipient, acceptedMs, outcome, endedMs, detail)
}
