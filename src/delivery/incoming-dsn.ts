/**
 * DSNs of other hosts about our users' messages: noted with the Message-ID of the original, so that its trace shows
 * them. RFC 3464. Anyone can forge a DSN: it is shown with its own id, and proves nothing.
 */
import { readReport } from '../mail/report/read-report.ts'
import type { RecipientStatus } from '../mail/report/delivery-status.ts'
import { readMessage } from '../mail/view/read-message.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { StoredContent } from '../store/store.ts'
import type { Trace, TraceNote } from './trace.ts'

/** Larger messages are not parsed: a DSN contains the header of the original, or a small original. */
const reportBytesMax = 512 * 1024
/**
 * Limits for recipients, and for characters of each value: the values are unauthenticated, and the trace has a size
 * limit.
 */
const recipientsMax = 20
const wordsMax = 300
/** Longest line of a message. RFC 5322 §2.1.1. */
const messageIdMax = 998

function short(value: string | undefined): string | undefined {
  return value?.slice(0, wordsMax)
}

function sentence({
  finalRecipient,
  originalRecipient,
  action,
  status,
  remoteMta,
  diagnosticCode,
}: RecipientStatus): string {
  const who = short(finalRecipient?.value ?? originalRecipient?.value) ?? 'an unnamed recipient'
  const where = remoteMta ? ` (${short(remoteMta.value)})` : ''
  const words = diagnosticCode ? `: ${short(diagnosticCode.value)}` : ''
  return `${who}: ${action ?? 'unknown'} ${short(status) ?? ''}${where}${words}`
}

/** @returns the trace note; undefined if the message is not such a DSN, or does not name its original. */
export function cameBack(id: string, message: Uint8Array): TraceNote | undefined {
  const report = readReport(readMessage(message))
  if (report?.kind !== 'delivery') return undefined
  const messageId = report.original?.message.messageId
  if (messageId === undefined || messageId.length > messageIdMax) return undefined
  const { recipients, reportingMta } = report.status
  return {
    id,
    event: 'report',
    messageId,
    by: short(reportingMta?.value),
    told: recipients.slice(0, recipientsMax).map(sentence),
  }
}

interface Tools {
  readonly clock: Clock
  readonly trace: Trace
  readonly log: Log
}

/**
 * Reads a message with the null reverse-path while its bytes are at hand.
 * @returns a function that notes the DSN once the message is accepted, without delaying the reply.
 */
export async function watchIncomingDsn(
  { clock, trace, log }: Tools,
  id: string,
  content: StoredContent,
): Promise<() => void> {
  if (content.sizeBytes > reportBytesMax) return () => {}
  const bytes = await content.read(0, content.sizeBytes)
  return () =>
    clock.soon(() => {
      try {
        const line = cameBack(id, bytes)
        if (line) trace.note(line)
      } catch (error) {
        log.warn('DSN from another host could not be read', { id, error: String(error) })
      }
    })
}
