/**
 * Records that are set aside: what could not be applied, or not be read though it was synced. The row names the copy in `quarantine/`, the
 * segment stays, the recipients' ledger rows stay open, until an operator says what becomes of it. docs/architecture.md §1.
 */
import type { Place } from '../contents/log.ts'
import type { EngineOperation } from '../operations.ts'
import type { QuarantinedRecord } from '../store.ts'
import type { WireContent } from './group.ts'
import type { WriteContext } from './context.ts'
import type { Database } from './driver.ts'
import { ledger, nextLedgerN } from './ledger.ts'

/** Damage that the writer met: told in the log, counted, listed. */
export interface Incident {
  readonly place: Place
  readonly sizeBytes: number
  readonly reason: string
}

/** Records of one damaged message or thousands: the row of one says so many recipients at most. */
const recipientsNamedMax = 1000

/** Writes the row, and an open ledger row for each recipient where the record says for whom it was. Its copy is synced already. */
export function setAside(context: WriteContext, incident: Incident, operations: Uint8Array | undefined): Incident {
  const { place, sizeBytes, reason } = incident
  const said = operations ? whatItSays(operations) : []
  const recipients: string[] = []
  const files: string[] = []
  for (const operation of said) {
    if (operation.kind !== 'arrive' && operation.kind !== 'append') continue
    const { file } = operation.content as unknown as WireContent
    if (file !== undefined) files.push(file)
    if (operation.kind === 'append') continue
    const { arrivalId, at, filings, queue } = operation
    let n = nextLedgerN(context, arrivalId)
    for (const address of [
      ...filings.flatMap((one) => one.recipients),
      ...(queue?.recipients ?? []).map((one) => one.address),
    ]) {
      ledger(context, arrivalId, n++, address, at.epochMs, 'quarantined', null, reason)
      if (recipients.length < recipientsNamedMax) recipients.push(address)
    }
  }
  const arrivals = said.flatMap((operation) => (operation.kind === 'arrive' ? [operation.arrivalId] : []))
  context
    .sql(
      'INSERT OR REPLACE INTO quarantine (segment, position, size, reason, arrivals, recipients, files) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(
      place.segment,
      place.position,
      sizeBytes,
      reason,
      JSON.stringify(arrivals),
      JSON.stringify(recipients),
      JSON.stringify(files),
    )
  return incident
}

/** A record of moved contents, or one that is no JSON, names nothing. */
function whatItSays(operations: Uint8Array): readonly EngineOperation[] {
  try {
    const said = JSON.parse(Buffer.from(operations).toString()) as unknown
    return Array.isArray(said) ? (said as EngineOperation[]) : []
  } catch {
    return []
  }
}

/** The operator has decided: the open ledger rows end, or give way to those of the arrival that is made anew in the same commit. */
export function settleQuarantined(
  context: WriteContext,
  op: Extract<EngineOperation, { kind: 'quarantineSettle' }>,
): null {
  const row = context
    .sql('SELECT arrivals FROM quarantine WHERE segment = ? AND position = ?')
    .get(op.place.segment, op.place.position)
  if (!row) return null
  for (const arrivalId of JSON.parse(row['arrivals'] as string) as string[]) {
    if (op.discard !== undefined) {
      context
        .sql(
          "UPDATE ledger SET outcome = 'discarded', endedMs = ?, detail = ? WHERE arrivalId = ? AND outcome = 'quarantined'",
        )
        .run(op.discard.nowMs, op.discard.rule, arrivalId)
    } else context.sql("DELETE FROM ledger WHERE arrivalId = ? AND outcome = 'quarantined'").run(arrivalId)
  }
  context.sql('DELETE FROM quarantine WHERE segment = ? AND position = ?').run(op.place.segment, op.place.position)
  return null
}

export function quarantined(db: Database, limit: number): QuarantinedRecord[] {
  return db
    .prepare('SELECT segment, position, size, reason, recipients FROM quarantine ORDER BY segment, position LIMIT ?')
    .all(limit)
    .map((row) => ({
      place: { segment: row['segment'] as number, position: row['position'] as number },
      sizeBytes: row['size'] as number,
      reason: row['reason'] as string,
      recipients: JSON.parse(row['recipients'] as string) as string[],
    }))
}
