/** Delivery status notifications: what could not be delivered, told to the sender. RFC 3464, RFC 6522, RFC 3834. */
import { formatDate } from '../mail/date.ts'
import { formatField, formatMessageId } from '../mail/header-format.ts'

/** One recipient's end. */
export interface Failure {
  readonly recipient: string
  readonly originalRecipient?: string
  /** The enhanced code: `5.1.1`. */
  readonly enhanced: string
  /** What was said: by the remote host, or by us. */
  readonly words: string
  /** The remote host that said it. */
  readonly host?: string
}

export interface Notice {
  /** The message that the notice is about: where it came from, when, and its header. */
  readonly reversePath: string
  readonly arrivedAtMs: number
  readonly envelopeId?: string
  readonly header: string
  readonly failures: readonly Failure[]
}

/** Of the original's header so much is returned: RFC 3462 §2 lets us, and a bounce must not be larger than what it is about. */
export const returnedHeaderMax = 16_384

/** Nobody's words may end a line of the report or break out of it. */
function harmless(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 900)
}

function explain(failure: Failure): string {
  const who = failure.host === undefined ? 'This server' : `The server ${failure.host}`
  return `  <${harmless(failure.recipient)}>\r\n      ${who} said: ${harmless(failure.words)}\r\n`
}

function machinePart(failure: Failure): string {
  return [
    ...(failure.originalRecipient === undefined ? [] : [`Original-Recipient: ${harmless(failure.originalRecipient)}`]),
    `Final-Recipient: rfc822; ${harmless(failure.recipient)}`,
    'Action: failed',
    `Status: ${failure.enhanced}`,
    ...(failure.host === undefined ? [] : [`Remote-MTA: dns; ${harmless(failure.host)}`]),
    `Diagnostic-Code: smtp; ${harmless(failure.words)}`,
    '',
  ].join('\r\n')
}

/** The whole message, CRLF lines; 7-bit but for a sender's address that is not. @param id names the notice's own arrival. */
export function formatNotice(notice: Notice, hostname: string, id: string, atMs: number): Buffer {
  const boundary = `pennypost_${id}`
  const header = notice.header.slice(0, returnedHeaderMax)
  const text = [
    formatField('From', `Mail Delivery System <MAILER-DAEMON@${hostname}>`),
    formatField('To', `<${notice.reversePath}>`),
    'Subject: Your message could not be delivered\r\n',
    formatField('Date', formatDate(atMs)),
    formatMessageId(id.replaceAll('_', '-'), hostname),
    'Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"\r\n\r\n`,
    `--${boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n`,
    `Your message could not be delivered to\r\n\r\n${notice.failures.map(explain).join('\r\n')}\r\n`,
    'It will not be tried again. If the address is right, the words above help\r\nwhoever runs that server to tell what is wrong.\r\n\r\n',
    `--${boundary}\r\nContent-Type: message/delivery-status\r\n\r\n`,
    `Reporting-MTA: dns; ${hostname}\r\n`,
    notice.envelopeId === undefined ? '' : `Original-Envelope-Id: ${harmless(notice.envelopeId)}\r\n`,
    `Arrival-Date: ${formatDate(notice.arrivedAtMs)}\r\n\r\n`,
    notice.failures.map(machinePart).join('\r\n'),
    `\r\n--${boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n`,
    // Eight-bit header bytes would make the notice itself 8-bit: they are shown as question marks.
    header.replace(/[^\x09\x0a\x0d\x20-\x7e]/g, '?').replace(/\r?\n(?!\r?\n)/g, '\r\n'),
    `\r\n--${boundary}--\r\n`,
  ].join('')
  // Only To can hold more than ASCII. RFC 6532 §3.2.
  return Buffer.from(text, 'utf8')
}
