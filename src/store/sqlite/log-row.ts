/** The one row of the table `log`: how far the rows follow the log, the next ids, and the sums of what there is. docs/architecture.md §1. */
import type { WriteContext } from './context.ts'
import type { Database } from './driver.ts'

export interface LogRow extends Record<string, unknown> {
  readonly segment: number
  readonly position: number
  readonly sequence: number
  readonly epoch: number
  readonly clean: number
  readonly nextContent: number
  readonly nextEmail: number
  readonly nextEntry: number
  readonly nextRecipient: number
  readonly directory: number
  readonly late: Uint8Array
}

export function readLogRow(db: Database): LogRow {
  return db.prepare('SELECT * FROM log').get() as unknown as LogRow
}

/** @param late as the row keeps them: places of records whose rows are not written yet. */
export function writeLogRow(
  context: WriteContext,
  log: {
    readonly place: { readonly segment: number; readonly position: number }
    readonly sequence: number
    readonly epoch: number
    readonly late: Uint8Array
  },
): void {
  const { counters } = context
  const { accounts, messages, contents, recipients } = context.takeTotals()
  const { segment, position } = log.place
  context
    .sql(
      'UPDATE log SET segment = ?, position = ?, sequence = ?, epoch = ?, nextContent = ?, nextEmail = ?, nextEntry = ?, nextRecipient = ?, directory = ?, late = ?, accounts = accounts + ?, messages = messages + ?, contents = contents + ?, recipients = recipients + ?',
    )
    .run(
      segment,
      position,
      log.sequence,
      log.epoch,
      counters.content,
      counters.email,
      counters.entry,
      counters.recipient,
      counters.directory,
      log.late,
      accounts,
      messages,
      contents,
      recipients,
    )
}

/** Of earlier openings no file is left by far. */
const openingsKept = 1000

/** Large files that are made from now on bear the tag. */
export function noteOpening(context: WriteContext, tag: string, sequence: number): void {
  context.sql('INSERT OR IGNORE INTO opening (tag, sequence) VALUES (?, ?)').run(tag, sequence)
  context.sql('DELETE FROM opening WHERE id <= (SELECT max(id) FROM opening) - ?').run(openingsKept)
}
