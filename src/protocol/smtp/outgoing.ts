/** What a client sends apart from the message's bytes, and how MAIL and RCPT say it. RFC 5321 §4.1.1.2, §4.1.1.3. */
import type { TlsFacts } from '../../base/network.ts'
import type { DeliverBy, Handling, RecipientDsn } from '../../mail/envelope.ts'
import { encodeXtext } from './wire/arguments.ts'
import type { Reply } from './wire/reply.ts'

export interface OutgoingEnvelope extends Handling {
  /** '' for the null reverse-path. */
  readonly reversePath: string
  readonly recipients: readonly string[]
  readonly body: '7bit' | '8bitmime' | 'binarymime'
  readonly smtpUtf8: boolean
  /** What the sender wishes to be told, recipient by recipient; said where the server takes it. RFC 3461 §4. */
  readonly dsn?: readonly RecipientDsn[]
  readonly ret?: 'full' | 'hdrs'
  readonly envelopeId?: string
}

/** What the server said to each recipient; with `data` only where the message itself was offered. */
export interface SendResult {
  readonly recipients: readonly Reply[]
}

/** What a message may need of a server that not every server can. */
export type Need = 'smtpUtf8' | 'needs8bit' | 'requireTls' | 'deliverBy'

type Extensions = ReadonlyMap<string, string>

/** @returns what the server cannot do that the message needs. */
export function lackOf(
  extensions: Extensions,
  tls: TlsFacts | null,
  envelope: OutgoingEnvelope,
  nowMs: number,
): Need | undefined {
  const { body, smtpUtf8, requireTls, deliverBy } = envelope
  if (smtpUtf8 && !extensions.has('SMTPUTF8')) return 'smtpUtf8'
  // RFC 6152 §3; RFC 3030 §3: binary is sent by BDAT only.
  if (body === '8bitmime' && !extensions.has('8BITMIME')) return 'needs8bit'
  if (body === 'binarymime' && !(extensions.has('BINARYMIME') && extensions.has('CHUNKING'))) return 'needs8bit'
  if (requireTls && !(tls && extensions.has('REQUIRETLS'))) return 'requireTls'
  // RFC 2852 §4.1.4: only one that is to be returned when it is late needs a server that will do so; that one has a least time, too.
  if (deliverBy?.mode === 'return') {
    const leastSeconds = extensions.get('DELIVERBY')
    if (leastSeconds === undefined || secondsLeft(deliverBy, nowMs) < Math.max(1, Number(leastSeconds) || 0))
      return 'deliverBy'
  }
  return undefined
}

function secondsLeft({ atMs }: DeliverBy, nowMs: number): number {
  return Math.floor((atMs - nowMs) / 1000)
}

/** Nine digits at most. RFC 2852 §4. */
const bySecondsMax = 999_999_999

function formatBy(deliverBy: DeliverBy, nowMs: number): string {
  const seconds = Math.max(-bySecondsMax, Math.min(bySecondsMax, secondsLeft(deliverBy, nowMs)))
  return `BY=${seconds};${deliverBy.mode === 'return' ? 'R' : 'N'}${deliverBy.trace ? 'T' : ''}`
}

export function mailLine(extensions: Extensions, envelope: OutgoingEnvelope, sizeBytes: number, nowMs: number): string {
  const { reversePath, body, smtpUtf8, ret, envelopeId, requireTls, deliverBy, priority } = envelope
  const has = (keyword: string): boolean => extensions.has(keyword)
  const parameters = [
    has('SIZE') ? `SIZE=${sizeBytes}` : '',
    body === '7bit' ? '' : `BODY=${body.toUpperCase()}`,
    smtpUtf8 ? 'SMTPUTF8' : '',
    ret !== undefined && has('DSN') ? `RET=${ret.toUpperCase()}` : '',
    envelopeId !== undefined && has('DSN') ? `ENVID=${encodeXtext(envelopeId)}` : '',
    requireTls ? 'REQUIRETLS' : '',
    deliverBy && has('DELIVERBY') ? formatBy(deliverBy, nowMs) : '',
    priority !== undefined && has('MT-PRIORITY') ? `MT-PRIORITY=${priority}` : '',
  ]
  return [`MAIL FROM:<${reversePath}>`, ...parameters.filter((parameter) => parameter !== '')].join(' ')
}

export function recipientLine(extensions: Extensions, address: string, dsn: RecipientDsn | undefined): string {
  if (!dsn || !extensions.has('DSN')) return `RCPT TO:<${address}>`
  const notify = dsn.notify === undefined ? '' : ` NOTIFY=${dsn.notify.join(',').toUpperCase()}`
  const original = dsn.originalRecipient === undefined ? '' : ` ORCPT=${formatOrcpt(dsn.originalRecipient)}`
  return `RCPT TO:<${address}>${notify}${original}`
}

/** `type;address` as ORCPT spells it; a utf-8 address keeps RFC 6533's own escapes. */
function formatOrcpt(original: string): string {
  const semicolon = original.indexOf(';')
  const type = original.slice(0, semicolon)
  const address = original.slice(semicolon + 1)
  return `${type};${type === 'utf-8' ? address.replace(/[^!-*,-<>-~\u0080-\uffff]/g, '?') : encodeXtext(address)}`
}
