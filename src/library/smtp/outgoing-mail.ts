/** Turns mail to be sent, in any accepted form, into an envelope and bytes. RFC 5321 §3.3, RFC 6152, RFC 6531. */
import { isAscii } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { formatMailbox, needsSmtpUtf8, parseMailbox } from '../../mail/address.ts'
import { ComposeFault } from '../../mail/compose/fields.ts'
import { composeMessage, type ComposedMessage, type MessageDraft } from '../../mail/compose/message.ts'
import { readSliceBytes, type MessageBytes } from '../../mail/content.ts'
import type { DeliverBy, Mailbox, RecipientDsn } from '../../mail/envelope.ts'
import { headerEnd, parseHeader } from '../../mail/header.ts'
import { realClock } from '../../platform/real/clock.ts'
import type { OutgoingEnvelope } from '../../protocol/smtp/outgoing.ts'
import { NewlineMender } from '../../protocol/text/newlines.ts'
import { ownName } from './tools.ts'

/** A finished message. Its lines may end in LF; a Bcc field is not removed. */
export interface RawMail {
  /** Text is sent as UTF-8. `MessageBytes` is for messages that do not fit in memory: read in slices, with CRLF line ends. */
  readonly raw: Uint8Array | string | AsyncIterable<Uint8Array> | MessageBytes
  readonly envelope: MailEnvelope
}

export interface MailEnvelope {
  /** '' is the null reverse-path: no bounce comes back. RFC 5321 §4.5.5. */
  readonly from: string
  readonly to: string | readonly string[]
}

/** A draft for `composeMessage`, its result, or a finished message. */
export type OutgoingMail = MessageDraft | ComposedMessage | RawMail

/** How the message is to be handled on its way: envelope, DSN and other extensions. */
export interface SendWishes {
  /** Instead of From, To, Cc and Bcc of the message. */
  readonly envelope?: MailEnvelope
  /** Which DSNs are requested, if the server offers DSN. RFC 3461 §4.1. */
  readonly notify?: RecipientDsn['notify']
  /** How much of the message a bounce returns. RFC 3461 §4.3. */
  readonly ret?: 'full' | 'hdrs'
  /** Printable ASCII, told in each bounce. RFC 3461 §4.4. */
  readonly envelopeId?: string
  /** Verified TLS on every hop, or no delivery. RFC 8689. */
  readonly requireTls?: boolean
  /** RFC 2852. */
  readonly deliverBy?: DeliverBy
  /** -9 to 9. RFC 6710. */
  readonly priority?: number
}

export interface PreparedMail {
  readonly envelope: OutgoingEnvelope
  readonly bytes: MessageBytes
  /** Without angle brackets; undefined: the message has none. */
  readonly messageId: string | undefined
}

/** How far a header is looked for in a finished message; the same limit as in `pennypost/mail`. */
const headerBytesMax = 1024 * 1024

/** Throws a ComposeFault for an invalid address, or a draft that cannot be composed. */
export async function prepareMail(mail: OutgoingMail, wishes: SendWishes): Promise<PreparedMail> {
  if ('raw' in mail) return prepareRaw(mail, wishes)
  const composed = 'stream' in mail && 'recipients' in mail ? mail : composeDraft(mail)
  const bytes = inMemory(await composed.bytes())
  const { from, to } = wishes.envelope
    ? mailboxesOf(wishes.envelope)
    : { from: composed.sender, to: composed.recipients }
  const body = composed.body === '7bit' ? '7bit' : composed.body === '8bit' ? '8bitmime' : 'binarymime'
  return {
    envelope: envelopeOf(from, to, wishes, { body, smtpUtf8: composed.smtpUtf8 }),
    bytes,
    messageId: composed.messageId,
  }
}

function composeDraft(draft: MessageDraft): ComposedMessage {
  const hostname = ownName().replace(/[[\]]/g, '')
  return composeMessage(draft, { nowMs: realClock.now(), hostname, unique: randomUUID })
}

async function prepareRaw({ raw, envelope }: RawMail, wishes: SendWishes): Promise<PreparedMail> {
  const given: MailEnvelope | undefined = wishes.envelope ?? envelope
  if (given === undefined) throw new TypeError('sendMail: envelope is missing: { from, to }, beside raw')
  const { from, to } = mailboxesOf(given)
  const bytes = isMessageBytes(raw) ? raw : inMemory(await gather(raw))
  const beginning = await bytes.read(0, Math.min(bytes.sizeBytes, headerBytesMax))
  const end = headerEnd(beginning, 0, beginning.length)
  const eightBit = await hasEightBit(bytes)
  const facts = {
    body: eightBit ? ('8bitmime' as const) : ('7bit' as const),
    smtpUtf8: eightBit && !isAscii(beginning.subarray(0, end)),
  }
  const messageId = parseHeader(beginning).valueOf('message-id')?.replace(/^<|>$/g, '')
  return { envelope: envelopeOf(from, to, wishes, facts), bytes, messageId }
}

function isMessageBytes(raw: RawMail['raw']): raw is MessageBytes {
  return typeof raw === 'object' && 'sizeBytes' in raw && 'read' in raw
}

function inMemory(bytes: Uint8Array): MessageBytes {
  return { sizeBytes: bytes.length, read: (start, end) => bytes.subarray(start, end), pieces: () => [bytes] }
}

/** With CRLF line ends: servers refuse a bare LF, because of SMTP smuggling. RFC 5321 §2.3.8. */
async function gather(raw: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const mender = new NewlineMender(false)
  const pieces: Uint8Array[] = []
  if (typeof raw === 'string') pieces.push(mender.push(Buffer.from(raw)))
  else if (raw instanceof Uint8Array) pieces.push(mender.push(raw))
  // Copied: a stream may reuse its buffer.
  else for await (const piece of raw) pieces.push(Buffer.from(mender.push(piece)))
  pieces.push(mender.end())
  return Buffer.concat(pieces)
}

async function hasEightBit(bytes: MessageBytes): Promise<boolean> {
  for (let at = 0; at < bytes.sizeBytes; at += readSliceBytes) {
    const slice = await bytes.read(at, Math.min(at + readSliceBytes, bytes.sizeBytes))
    if (!isAscii(slice)) return true
  }
  return false
}

function mailboxesOf({ from, to }: MailEnvelope): { from: Mailbox | null; to: readonly Mailbox[] } {
  const list = typeof to === 'string' ? [to] : to
  return { from: from === '' ? null : mailboxOf(from), to: list.map(mailboxOf) }
}

function mailboxOf(address: string): Mailbox {
  const mailbox = parseMailbox(address)
  if (!mailbox) throw new ComposeFault(`${JSON.stringify(address)} is not a mail address: write it as user@example.org`)
  return mailbox
}

function envelopeOf(
  from: Mailbox | null,
  to: readonly Mailbox[],
  wishes: SendWishes,
  facts: Pick<OutgoingEnvelope, 'body' | 'smtpUtf8'>,
): OutgoingEnvelope {
  if (to.length === 0) throw new ComposeFault('a message needs a recipient')
  const { notify, ret, envelopeId, requireTls, deliverBy, priority } = wishes
  return {
    reversePath: from ? formatMailbox(from) : '',
    recipients: to.map(formatMailbox),
    body: facts.body,
    smtpUtf8: facts.smtpUtf8 || [...(from ? [from] : []), ...to].some(needsSmtpUtf8),
    dsn: notify && to.map(() => ({ notify })),
    ret,
    envelopeId,
    requireTls,
    deliverBy,
    priority,
  }
}
