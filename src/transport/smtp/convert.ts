/**
 * Fits a message to the server's extensions: converts it to 7 bits, or tells why that is impossible. RFC 6152 §3,
 * RFC 3030 §3, RFC 8689 §4.2.1, RFC 2852 §4.1.4.
 */
import { isSevenBitData, toSevenBit } from '../../mail/compose/to-seven-bit.ts'
import type { MessageBytes } from '../../mail/content.ts'
import { parseStructure } from '../../mail/mime/structure.ts'
import type { Status } from '../../mail/status.ts'
import type { SmtpClient } from '../../protocol/smtp/client.ts'
import type { Need, OutgoingEnvelope } from '../../protocol/smtp/outgoing.ts'

/** Conversion holds three copies of the message in memory; servers without 8BITMIME do not accept larger ones. */
const convertBytesMax = 32 * 1024 * 1024

const refusals: Readonly<Record<Need, Status>> = {
  smtpUtf8: {
    code: 550,
    enhanced: '5.6.7',
    text: 'The server does not support addresses with such characters (SMTPUTF8)',
  },
  needs8bit: {
    code: 554,
    enhanced: '5.6.3',
    text: 'The server accepts 7-bit messages only, and this one cannot be converted: it is signed, or too large',
  },
  requireTls: { code: 550, enhanced: '5.7.30', text: 'REQUIRETLS support required: the server does not promise TLS' },
  deliverBy: { code: 554, enhanced: '5.4.7', text: 'The server does not promise to deliver in time (DELIVERBY)' },
}

interface Offer {
  readonly envelope: OutgoingEnvelope
  readonly bytes: MessageBytes
}

/** Replaces our own valid signatures by signatures of the converted message. */
export type SignAnew = (before: Uint8Array, after: Uint8Array) => Promise<Uint8Array>

/**
 * @returns the message for this server, or the reason why it cannot be sent there: another host of the domain may
 * accept it.
 */
export async function offerFor(
  client: Pick<SmtpClient, 'lacks'>,
  given: Offer,
  signAnew?: SignAnew,
): Promise<Offer | Status> {
  const need = client.lacks(given.envelope)
  if (!need) return given
  const offer = need === 'needs8bit' ? await inSevenBits(given.envelope, given.bytes, signAnew) : undefined
  if (!offer) return refusals[need]
  const other = client.lacks(offer.envelope)
  return other ? refusals[other] : offer
}

/**
 * @returns the message in a form that every server accepts, with its MAIL parameters; undefined if it must not be
 * changed.
 */
export async function inSevenBits(
  envelope: OutgoingEnvelope,
  bytes: MessageBytes,
  signAnew?: SignAnew,
): Promise<Offer | undefined> {
  if (bytes.sizeBytes > convertBytesMax) return undefined
  const message = await bytes.read(0, bytes.sizeBytes)
  // BINARYMIME may have no lines at all; 8BITMIME has lines, and only its bytes need encoding.
  const fits = envelope.body === 'binarymime' ? isSevenBitData : undefined
  const inBits = toSevenBit(message, parseStructure(message), fits)
  if (!inBits) return undefined
  const converted = signAnew && inBits !== message ? await signAnew(message, inBits) : inBits
  return {
    envelope: { ...envelope, body: '7bit' },
    bytes: { sizeBytes: converted.length, read: (start, end) => converted.subarray(start, end) },
  }
}
