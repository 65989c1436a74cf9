/** DKIM signatures of outgoing messages. RFC 6376, RFC 8463. */
import { readSliceBytes, type MessageBytes } from '../../mail/content.ts'
import { headerEnd, parseHeader } from '../../mail/header.ts'
import { realClock } from '../../platform/real/clock.ts'
import { DkimSigner, loadSigningKey, type DkimSigningKey } from '../../trust/dkim/sign.ts'

export interface DkimOptions {
  /** `d=`: the domain that vouches for the message; for DMARC, that of From. */
  readonly domain: string
  /** `s=`: the key is published at `selector._domainkey.domain`. */
  readonly selector: string
  /** PEM, PKCS#8 or PKCS#1: RSA, or Ed25519 beside it. */
  readonly privateKey: string
}

/** A longer header would be signed only in part, and verifiers would reject that: such a message is refused. */
const headerBytesMax = 1024 * 1024

/** Throws a TypeError for a key that DKIM cannot use. @internal */
export function signingKeysOf(dkim: DkimOptions | readonly DkimOptions[]): readonly DkimSigningKey[] {
  const all = Array.isArray(dkim) ? (dkim as readonly DkimOptions[]) : [dkim as DkimOptions]
  return all.map(({ domain, selector, privateKey }) => loadSigningKey(domain, selector, privateKey))
}

/** @returns the message with a signature of each key on top. The message is read twice and never held in memory. @internal */
export async function signMail(bytes: MessageBytes, keys: readonly DkimSigningKey[]): Promise<MessageBytes> {
  const { sizeBytes } = bytes
  const beginning = await bytes.read(0, Math.min(sizeBytes, headerBytesMax))
  const bodyStart = endOfHeader(beginning, sizeBytes)
  const signer = new DkimSigner(parseHeader(beginning), keys, { nowMs: realClock.now() })
  for (let at = bodyStart; at < sizeBytes; at += readSliceBytes)
    signer.write(await bytes.read(at, Math.min(at + readSliceBytes, sizeBytes)))
  return withPrefix(Buffer.from(await signer.end(), 'latin1'), bytes)
}

function endOfHeader(beginning: Uint8Array, sizeBytes: number): number {
  const end = headerEnd(beginning, 0, beginning.length)
  if (end === beginning.length && sizeBytes > end) throw new TypeError('the header is too long to be signed')
  return end
}

function withPrefix(prefix: Uint8Array, bytes: MessageBytes): MessageBytes {
  const offset = prefix.length
  return {
    sizeBytes: offset + bytes.sizeBytes,
    read(start, end) {
      if (end <= offset) return prefix.subarray(start, end)
      if (start >= offset) return bytes.read(start - offset, end - offset)
      const rest = bytes.read(0, end - offset)
      const joined = (tail: Uint8Array): Uint8Array => Buffer.concat([prefix.subarray(start), tail])
      return 'then' in rest ? rest.then(joined) : joined(rest)
    },
  }
}
