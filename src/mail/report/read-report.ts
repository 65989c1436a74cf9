/** Reports in messages: the machine-readable part, the human-readable text, and the returned message. RFC 6522. */
import type { Part } from '../mime/part.ts'
import { transferEncoding } from '../mime/transfer-encoding.ts'
import { partBytes, typeOf } from '../view/part-content.ts'
import { readMessage, ReadMessage } from '../view/read-message.ts'
import { parseDeliveryStatus } from './delivery-status.ts'
import type { DeliveryStatus } from './delivery-status.ts'
import { parseDispositionNotification } from './disposition.ts'
import type { DispositionNotification } from './disposition.ts'
import { parseFeedbackReport } from './feedback.ts'
import type { FeedbackReport } from './feedback.ts'

/** The returned part of the message that the report is about. RFC 6522 §3 (3). */
export interface ReportedMessage {
  readonly part: Part
  /** Only its header (text/rfc822-headers), or the whole message. */
  readonly kind: 'header' | 'message'
  readonly message: ReadMessage
}

interface About {
  /** The machine-readable part. */
  readonly part: Part
  /** The human-readable part, as plain text. */
  readonly humanText: string | undefined
  readonly original: ReportedMessage | undefined
}

/** A report: about delivery (DSN), about reading (MDN), or a complaint (ARF). */
export type MailReport =
  | (About & { readonly kind: 'delivery'; readonly status: DeliveryStatus })
  | (About & { readonly kind: 'disposition'; readonly notification: DispositionNotification })
  | (About & { readonly kind: 'feedback'; readonly report: FeedbackReport })

const kinds: Readonly<Record<string, MailReport['kind']>> = {
  'message/delivery-status': 'delivery',
  'message/global-delivery-status': 'delivery',
  'message/disposition-notification': 'disposition',
  'message/global-disposition-notification': 'disposition',
  'message/feedback-report': 'feedback',
}

/**
 * Reads a message as a report. undefined: it is no report.
 *
 * Takes the first machine-readable part, in a multipart/report or in what a list or gateway made of it. Attached messages are skipped:
 * reports in them are about other mail. A report is easily forged and proves nothing (RFC 3464 §4.1).
 */
export function readReport(message: ReadMessage): MailReport | undefined {
  const found = find(message.root, undefined)
  if (found === undefined) return undefined
  const { part, parent } = found
  const siblings = parent?.children ?? []
  const at = siblings.indexOf(part)
  const about = {
    part,
    humanText: at > 0 ? new ReadMessage(message.bytes, siblings[0]!).plainText : undefined,
    original: originalOf(message, siblings.slice(at + 1)),
  }
  const bytes = partBytes(message.bytes, part)
  switch (kinds[typeOf(part)]!) {
    case 'delivery':
      return { ...about, kind: 'delivery', status: parseDeliveryStatus(bytes) }
    case 'disposition':
      return { ...about, kind: 'disposition', notification: parseDispositionNotification(bytes) }
    case 'feedback':
      return { ...about, kind: 'feedback', report: parseFeedbackReport(bytes) }
  }
}

function find(part: Part, parent: Part | undefined): { part: Part; parent: Part | undefined } | undefined {
  if (Object.hasOwn(kinds, typeOf(part))) return { part, parent }
  for (const child of part.children) {
    const found = find(child, part)
    if (found !== undefined) return found
  }
  return undefined
}

function originalOf(message: ReadMessage, parts: readonly Part[]): ReportedMessage | undefined {
  for (const part of parts) {
    const type = typeOf(part)
    if (type === 'message/rfc822' || type === 'message/global') {
      // If it is encoded, as RFC 6532 §3.5 allows for message/global, its parts are not in the report's tree.
      const encoded = transferEncoding(part.encoding) !== 'identity' || part.message === undefined
      const original = encoded
        ? readMessage(partBytes(message.bytes, part))
        : new ReadMessage(message.bytes, part.message)
      return { part, kind: 'message', message: original }
    }
    if (type === 'text/rfc822-headers' || type === 'message/global-headers' || type === 'message/rfc822-headers')
      return { part, kind: 'header', message: readMessage(partBytes(message.bytes, part)) }
  }
  return undefined
}
