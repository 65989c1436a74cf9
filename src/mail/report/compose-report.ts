/** Reports to be sent: the multipart/report that goes into `composeMessage({ body })`. RFC 6522 §3. */
import { isUtf8 } from 'node:buffer'
import { ComposeFault } from '../compose/fields.ts'
import type { PartDraft } from '../compose/part.ts'
import { headerEnd } from '../header.ts'
import { formatDeliveryStatus } from './delivery-status.ts'
import type { DeliveryStatus } from './delivery-status.ts'
import { formatDispositionNotification } from './disposition.ts'
import type { DispositionNotification } from './disposition.ts'
import { formatFeedbackReport } from './feedback.ts'
import type { FeedbackReport } from './feedback.ts'

export interface ReportDraft {
  /** The human-readable text: what happened, and what can be done. */
  readonly text: string
  /** The message that this is about, as it arrived. */
  readonly original?: Uint8Array
  /** How much of `original` is returned: only its header (the default), or all of it. */
  readonly returned?: 'header' | 'message'
  /** Whether the report may be UTF-8 (message/global-…): only for readers that support it. RFC 6533 §4.5. */
  readonly utf8?: boolean
}

/** A delivery status notification. RFC 3464 §2. */
export function deliveryReport(draft: ReportDraft, status: DeliveryStatus): PartDraft {
  const utf8 = draft.utf8 === true
  return report(draft, `${utf8 ? 'global-' : ''}delivery-status`, 'delivery-status', formatDeliveryStatus(status, utf8))
}

/** A message disposition notification. RFC 8098 §3. */
export function dispositionReport(draft: ReportDraft, notification: DispositionNotification): PartDraft {
  const utf8 = draft.utf8 === true
  const text = formatDispositionNotification(notification, utf8)
  return report(draft, `${utf8 ? 'global-' : ''}disposition-notification`, 'disposition-notification', text)
}

/** A feedback report; `original` is required. RFC 5965 §2 (d). */
export function feedbackReport(draft: ReportDraft, feedback: FeedbackReport): PartDraft {
  if (draft.original === undefined) throw new ComposeFault('a feedback report needs the message that it is about')
  return report(draft, 'feedback-report', 'feedback-report', formatFeedbackReport(feedback))
}

function report(draft: ReportDraft, subtype: string, reportType: string, text: string): PartDraft {
  const parts: PartDraft[] = [
    { kind: 'text', subtype: 'plain', text: draft.text },
    { kind: 'fields', type: `message/${subtype}`, text },
  ]
  if (draft.original !== undefined) parts.push(returnedPart(draft.original, draft))
  return { kind: 'multipart', subtype: 'report', parts, parameters: { 'report-type': reportType } }
}

function returnedPart(original: Uint8Array, { returned, utf8 }: ReportDraft): PartDraft {
  if (returned === 'message') return { kind: 'message', content: original }
  const end = headerEnd(original, 0, original.length)
  const bytes = Buffer.from(original.buffer, original.byteOffset, end)
  const isGlobal = utf8 === true && isUtf8(bytes) && bytes.some((byte) => byte > 0x7f)
  // Bytes that the report may not hold are shown as question marks.
  const text = isGlobal ? bytes.toString('utf8') : bytes.toString('latin1').replace(/[^\x00-\x7f]/g, '?')
  // Without the blank line: it is the header alone.
  const header = text.replace(/(\r?\n)\r?\n$/, '$1')
  return { kind: 'fields', type: isGlobal ? 'message/global-headers' : 'text/rfc822-headers', text: header }
}
