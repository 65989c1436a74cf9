/** What we write before a message: the trace that every hop adds, what final delivery adds, what submission mends. RFC 5321 §4.4, RFC 6409 §8. */
import { latin1 } from '../base/bytes.ts'
import { formatMailbox } from '../mail/address.ts'
import { formatDate } from '../mail/date.ts'
import type { Mailbox, ReversePath } from '../mail/envelope.ts'
import { formatField, formatMessageId, formatReceived, formatReturnPath } from '../mail/header-format.ts'
import type { HeaderFacts } from '../mail/message-facts.ts'
import type { Peer, TlsFacts } from '../base/network.ts'

/**
 * UTF-8 as the store takes prefixes: one character a byte. Without it, U+010A of an address would become a line feed of the header.
 */
function wire(text: string): string {
  return latin1(Buffer.from(text, 'utf8'))
}

/** The connection that a message came by, as Received tells it. */
export interface Via {
  readonly helo: string
  /** The client's name, where its address and that name agree. */
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
    // With several, it would tell the blind copies. RFC 5321 §7.2.
    recipient: recipients.length === 1 ? recipients[0] : undefined,
    tls: via.tls ? `${via.tls.version} ${via.tls.cipher}` : undefined,
    atMs,
  })
  return wire(field)
}

/** What final delivery puts on top. Delivered-To also tells a later pass that the message was here. */
export function deliveryPrefix(reversePath: ReversePath, recipient: string): string {
  return wire(formatReturnPath(reversePath) + formatField('Delivered-To', recipient))
}

/**
 * From, Date and Message-ID where a submitted message has none. RFC 6409 §8.1, §8.2.
 * @param author whose it is; null where nobody can be named.
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
