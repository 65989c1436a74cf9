/** Reports in messages: which part a program reads, what people read, and what came back of the message. RFC 6522. */
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

/** What came back of the message that the report is about. RFC 6522 §3 (3). */
export interface ReportedMessage {
  readonly part: Part
  /** Its header alone (text/rfc822-headers), or all of it. */
  readonly kind: 'header' | 'message'
  readonly message: ReadMessage
}

interface About {
  /** The part that programs read. */
  readonly part: Part
  /** What people read, as plain text. */
  readonly humanText: string | undefined
  readonly original: ReportedMessage | undefined
}

/** A report, by what it tells of: a delivery (DSN), a reader (MDN), a complaint (ARF). */
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
 * The report that a message is. undefined: it is none.
 *
 * Found is the first machine-readable part, in a multipart/report or whatever some list or gateway made of it. Reports in attached
 * messages are those of others, and are not looked at. Anybody can write a report: it proves nothing (RFC 3464 §4.1).
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
      // Encoded, which RFC 6532 §3.5 allows for message/global, its tree is not part of the report's.
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
