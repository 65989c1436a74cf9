/** Groups leased recipients into batches. */
import { destinationKey } from '../mail/destination.ts'
import type { MessageBytes } from '../mail/content.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Batch, Transports } from './transport.ts'

/**
 * Recipients of one transaction: RFC 5321 §4.5.3.1.8 obliges servers to accept a hundred. Also the most that are leased
 * at once for a destination.
 */
export const batchRecipientsMax = 100

/**
 * Batches by message and destination, in fair order, each of the size that its transport takes. @param bytes the content of
 * the one message, if in memory.
 */
export function batchesOf(transports: Transports, rows: readonly QueueRow[], bytes?: MessageBytes): Batch[] {
  const open = new Map<string, QueueRow[]>()
  const batches: Batch[] = []
  for (const row of rows) {
    const key = destinationKey(row.destination)
    const { smtpUtf8, body } = row.parameters
    const together = `${row.entry} ${key} ${smtpUtf8} ${body}`
    const batch = open.get(together)
    const { kind } = row.destination
    const most = kind === 'failed' ? undefined : transports[kind].recipientsMax
    if (batch && batch.length < (most ?? batchRecipientsMax)) {
      batch.push(row)
      continue
    }
    const started = [row]
    open.set(together, started)
    batches.push({ destination: row.destination, key, rows: started, bytes })
  }
  return batches
}
