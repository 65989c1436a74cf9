/**
 * What other hosts tell our users about their messages: a delivery status notification that arrives is noted with the Message-ID that it
 * is about, so that the trace of the original shows it. RFC 3464. Anybody can write one: it is told with its own id, and proves nothing.
 */
import { readReport } from '../mail/report/read-report.ts'
import type { RecipientStatus } from '../mail/report/delivery-status.ts'
import { readMessage } from '../mail/view/read-message.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Store, StoredContent } from '../store/store.ts'
import type { Trace, TraceNote } from './trace.ts'

/** Larger ones are not looked into: a notice has a header of the original, or a small original. */
const reportBytesMax = 512 * 1024
/** Recipients of a notice that are told of, and characters of each value in it: strangers wrote them, and the journey has its limit. */
const recipientsMax = 20
const wordsMax = 300
/** A line of a message has no more. RFC 5322 §2.1.1. */
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

/** @returns what the journey is told; undefined where the message is no such notice, or does not say what it is about. */
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
  readonly store: Pick<Store, 'readContent'>
  readonly clock: Clock
  readonly journey: Trace
  readonly log: Log
}

/**
 * Looks into a message with the null reverse-path, while its bytes are at hand.
 * @returns what notes it once it is taken; nobody waits for that.
 */
export async function watchIncomingDsn(
  { store, clock, journey, log }: Tools,
  id: string,
  content: StoredContent,
): Promise<() => void> {
  if (content.sizeBytes > reportBytesMax) return () => {}
  const bytes = await store.readContent(content, 0, content.sizeBytes)
  return () =>
    clock.soon(() => {
      try {
        const line = cameBack(id, bytes)
        if (line) journey.note(line)
      } catch (error) {
        log.warn('DSN from another host could not be read', { id, error: String(error) })
      }
    })
}
