/**
 * Fields in front of a message: Received, Return-Path and Delivered-To of final delivery, fields added at submission.
 * RFC 5321 §4.4, RFC 6409 §8.
 */
import { latin1 } from '../base/bytes.ts'
import { formatMailbox } from '../mail/address.ts'
import { formatDate } from '../mail/date.ts'
import type { Mailbox, ReversePath } from '../mail/envelope.ts'
import { formatField, formatMessageId, formatReceived, formatReturnPath } from '../mail/header-format.ts'
import type { HeaderFacts } from '../mail/message-facts.ts'
import type { Peer, TlsFacts } from '../base/network.ts'

/**
 * UTF-8 in the form of the store's prefixes: one character a byte. Without it, U+010A in an address would become a line
 * feed in the header.
 */
function wire(text: string): string {
  return latin1(Buffer.from(text, 'utf8'))
}

/** The connection a message came by, as Received shows it. */
export interface Via {
  readonly helo: string
  /** The client's name, if confirmed by forward and reverse DNS. */
  readonly clientName?: string
  readonly peer: Peer
  readonly protocol: string
  readonly tls: TlsFacts | null
}

export function receivedField(
  via: Via,
  hostname: string,
  id: string,
  atMs: number,
  recipients: readonly Mailbox[],
): string {
  const field = formatReceived({
    helo: via.helo,
    clientAddress: via.peer.address,
    clientName: via.clientName,
    by: hostname,
    protocol: via.protocol,
    id,
    // With several recipients it would disclose blind copies. RFC 5321 §7.2.
    recipient: recipients.length === 1 ? recipients[0] : undefined,
    tls: via.tls ? `${via.tls.version} ${via.tls.cipher}` : undefined,
    atMs,
  })
  return wire(field)
}

/** Fields of final delivery. Delivered-To also marks that the message was here, for loop detection. */
export function deliveryPrefix(reversePath: ReversePath, recipient: string): string {
  return wire(formatReturnPath(reversePath) + formatField('Delivered-To', recipient))
}

/**
 * Adds From, Date and Message-ID to a submitted message that lacks them. RFC 6409 §8.1, §8.2.
 * @param author the author; null when unknown.
 */
export function submissionFixes(
  facts: HeaderFacts,
  { id, hostname, atMs, author }: { id: string; hostname: string; atMs: number; author: ReversePath },
): string {
  return (
    (facts.authors.fields > 0 || author === null ? '' : wire(formatField('From', formatMailbox(author)))) +
    (facts.hasDate ? '' : formatField('Date', formatDate(atMs))) +
    (facts.hasMessageId ? '' : formatMessageId(id.replaceAll('_', '-'), hostname))
  )
}

export function pathText(path: ReversePath): string {
  return path === null ? '' : formatMailbox(path)
}
