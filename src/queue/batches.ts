/** Recipients that are leased, in the batches in which they are sent. */
import type { MessageBytes } from '../mail/content.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Batch } from './next-hops.ts'

/** Recipients of one transaction: a server that follows RFC 5321 §4.5.3.1.8 takes a hundred. So many of a destination are leased at once. */
export const batchRecipientsMax = 100

/** Recipients of one message and destination, in fair order, as many as fit a transaction. @param bytes of their one message, where it is at hand. */
export function batchesOf(rows: readonly QueueRow[], bytes?: MessageBytes): Batch[] {
  const open = new Map<string, QueueRow[]>()
  const batches: Batch[] = []
  for (const row of rows) {
    const { smtpUtf8, body } = row.parameters
    const key = `${row.entry} ${row.destination} ${smtpUtf8} ${body}`
    const batch = open.get(key)
    if (batch && batch.length < batchRecipientsMax) {
      batch.push(row)
      continue
    }
    const started = [row]
    open.set(key, started)
    batches.push({ destination: row.destination, rows: started, bytes })
  }
  return batches
}
