/** Delivery status notifications (DSNs). RFC 3464, RFC 3461 §6, RFC 6522, RFC 6533, RFC 3834. */
import { isUtf8 } from 'node:buffer'
import { formatDate } from '../mail/date.ts'
import type { RecipientDsn } from '../mail/envelope.ts'
import { formatField, formatMessageId } from '../mail/header-format.ts'
import { advice } from './bounce-advice.ts'

/** What happened to one recipient. RFC 3464 §2.3.3. */
export interface Report {
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed'
  readonly recipient: string
  /** `type;address` as given in ORCPT. RFC 3461 §4.2. */
  readonly originalRecipient?: string
  /** The enhanced code: `5.1.1`. */
  readonly enhanced: string
  /** The reply, of the remote host or our own. */
  readonly words: string
  /** The remote host that gave the reply. */
  readonly host?: string
  /** delayed: the message is tried until then. */
  readonly untilMs?: number
}

export interface Bounce {
  /** The original message: its sender, its time, and the part that is returned. */
  readonly reversePath: string
  readonly arrivedAtMs: number
  readonly envelopeId?: string
  /** The time limit for its delivery. RFC 2852 §5. */
  readonly deliverByMs?: number
  /** Its header, one byte a character. */
  readonly header: string
  /** The whole message, if the sender asked for it (RET=FULL) and it is not too large. */
  readonly full?: Uint8Array
  readonly reports: readonly Report[]
}

/**
 * Bytes of the original header that are returned at most: RFC 3462 §2 permits this, and a bounce must not be larger
 * than the original.
 */
export const returnedHeaderMax = 16_384
/** Larger messages are not returned whole, even if the sender asked for it. */
export const returnedFullMax = 1024 * 1024

/** Whether the sender asked for DSNs of this event. The default is failures and delays. RFC 3461 §4.1, §6.2. */
export function wantsReport(
  notify: RecipientDsn['notify'] | readonly string[],
  event: 'success' | 'failure' | 'delay',
): boolean {
  return notify === undefined ? event !== 'success' : notify.includes(event)
}

/** Text from outside must not end a line of the report, or break out of it. */
function harmless(text: string): string {
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\ufffd]/g, '?')
    .slice(0, 900)
}

const ascii = (text: string): string => harmless(text).replace(/[^\x20-\x7e]/g, '?')
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)

const subjects = {
  failed: 'Your message could not be delivered',
  delayed: 'Your message is delayed and will be tried again',
  delivered: 'Your message was delivered',
  relayed: 'Your message was relayed',
} as const
/** Most severe first: the first one present names the bounce. */
const gravity = ['failed', 'delayed', 'relayed', 'delivered'] as const

function headline(action: Report['action'], count: number): string {
  const them = count === 1 ? 'this recipient' : 'these recipients'
  switch (action) {
    case 'failed':
      return `Your message could not be delivered to ${them}, and will not be tried again:`
    case 'delayed':
      return `Your message could not be delivered to ${them} yet. You need not do anything: it will be tried again.`
    case 'relayed':
      return `Your message was relayed to the mail server of ${them}, which does not send delivery reports:`
    case 'delivered':
      return `Your message was delivered to ${them}:`
  }
}

/** The text for people: what happened, which server said what, what to do. */
function humanPart(notice: Bounce, hostname: string): string {
  const paragraphs = gravity.flatMap((action) => {
    const reports = notice.reports.filter((report) => report.action === action)
    if (reports.length === 0) return []
    return [headline(action, reports.length), ...reports.map(explain)]
  })
  const subject = /^Subject:[ \t]*(.*(?:\r?\n[ \t].*)*)/im.exec(notice.header)?.[1]
  const about = [
    `Sent:      ${formatDate(notice.arrivedAtMs)}`,
    ...(subject === undefined ? [] : [`Subject:   ${harmless(utf8Of(subject))}`]),
    `Reporter:  ${hostname}`,
  ]
  return [...paragraphs, about.join('\r\n')].join('\r\n\r\n')
}

function explain(report: Report): string {
  const lines = [`  <${harmless(report.recipient)}>`]
  if (report.action !== 'delivered') {
    const who = report.host === undefined ? 'This server said' : `The server ${harmless(report.host)} said`
    lines.push(`      ${who}:`, `      ${harmless(report.words)}`)
  }
  if (report.untilMs !== undefined) lines.push(`      It will be tried until ${formatDate(report.untilMs)}.`)
  const help = report.action === 'failed' ? advice(report.enhanced) : undefined
  if (help !== undefined) lines.push(`      What to do: ${help}`)
  return lines.join('\r\n')
}

/** Header bytes as text: as UTF-8 if valid, else one byte a character. */
function utf8Of(header: string): string {
  const bytes = Buffer.from(header, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : header
}

/** An address with its type. RFC 3464 §2.3.2; with UTF-8 by RFC 6533 §3. */
function typed(address: string): string {
  return isAscii(address) ? `rfc822; ${ascii(address)}` : `utf-8; ${harmless(address)}`
}

function machinePart(report: Report): string {
  const { originalRecipient, host } = report
  return [
    ...(originalRecipient === undefined
      ? []
      : [`Original-Recipient: ${harmless(originalRecipient).replace(/^([^;]*);/, '$1; ')}`]),
    `Final-Recipient: ${typed(report.recipient)}`,
    `Action: ${report.action}`,
    `Status: ${report.enhanced}`,
    ...(host === undefined ? [] : [`Remote-MTA: dns; ${ascii(host)}`]),
    ...(report.action === 'delivered' ? [] : [`Diagnostic-Code: smtp; ${ascii(report.words)}`]),
    ...(report.untilMs === undefined ? [] : [`Will-Retry-Until: ${formatDate(report.untilMs)}`]),
    '',
  ].join('\r\n')
}

/** The third part: the message itself, or its header. */
function returned({ header, full }: Bounce): { head: string; body: Uint8Array } {
  if (full) {
    const utf8Header = !isAscii(header) && isUtf8(Buffer.from(header, 'latin1'))
    const encoding = full.every((byte) => byte < 0x80) ? '' : 'Content-Transfer-Encoding: 8bit\r\n'
    return { head: `Content-Type: message/${utf8Header ? 'global' : 'rfc822'}\r\n${encoding}`, body: full }
  }
  const bytes = Buffer.from(header.slice(0, returnedHeaderMax).replace(/\r?\n/g, '\r\n'), 'latin1')
  if (isAscii(header)) return { head: 'Content-Type: text/rfc822-headers\r\n', body: bytes }
  // Eight-bit bytes that are not UTF-8 would make the report unreadable: they become question marks.
  if (!isUtf8(bytes))
    return {
      head: 'Content-Type: text/rfc822-headers\r\n',
      body: Buffer.from(bytes.toString('latin1').replace(/[^\x00-\x7f]/g, '?')),
    }
  return { head: 'Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n', body: bytes }
}

/** The whole DSN, with CRLF line ends. @param id the arrival id of the DSN itself. */
export function formatBounce(notice: Bounce, hostname: string, id: string, atMs: number): Buffer {
  const boundary = `pennypost_${id}`
  const action = gravity.find((one) => notice.reports.some((report) => report.action === one))!
  const human = humanPart(notice, hostname)
  const machine = [
    `Reporting-MTA: dns; ${hostname}`,
    ...(notice.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${ascii(notice.envelopeId)}`]),
    `Arrival-Date: ${formatDate(notice.arrivedAtMs)}`,
    ...(notice.deliverByMs === undefined ? [] : [`Deliver-By-Date: ${formatDate(notice.deliverByMs)}`]),
    '',
    notice.reports.map(machinePart).join('\r\n'),
  ].join('\r\n')
  const third = returned(notice)
  const eightBit = (text: string): string => (isAscii(text) ? '' : 'Content-Transfer-Encoding: 8bit\r\n')
  const before = [
    formatField('From', `Mail Delivery System <MAILER-DAEMON@${hostname}>`),
    formatField('To', `<${notice.reversePath}>`),
    formatField('Subject', subjects[action]),
    formatField('Date', formatDate(atMs)),
    formatMessageId(id.replaceAll('_', '-'), hostname),
    'Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"\r\n\r\n`,
    `--${boundary}\r\nContent-Type: text/plain; charset=${isAscii(human) ? 'us-ascii' : 'utf-8'}\r\n${eightBit(human)}\r\n${human}\r\n`,
    `--${boundary}\r\nContent-Type: message/${isAscii(machine) ? '' : 'global-'}delivery-status\r\n${eightBit(machine)}\r\n${machine}`,
    `\r\n--${boundary}\r\n${third.head}\r\n`,
  ].join('')
  return Buffer.concat([Buffer.from(before), third.body, Buffer.from(`\r\n--${boundary}--\r\n`)])
}
