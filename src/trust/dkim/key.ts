/** A domain's public key in the DNS. RFC 6376 §3.6.1, RFC 8463 §4.2. */
import { BoundedMap } from '../../base/bounded-map.ts'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { decodeTagBase64, parseTags } from './tags.ts'

export interface DkimKey {
  readonly kind: 'rsa' | 'ed25519'
  readonly key: KeyObject
  /** Bits of the modulus; 256 for ed25519. */
  readonly bits: number
  /** `t=y`: the domain is only testing DKIM; a failure means nothing. */
  readonly testing: boolean
  /** `t=s`: i= must be of d= itself. */
  readonly strict: boolean
  /** `h=`: hashes that may be used; undefined: any. */
  readonly hashes: readonly string[] | undefined
}

/** The fixed beginning of an ed25519 key as SubjectPublicKeyInfo. RFC 8410 §4. */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex')

type Parsed = DkimKey | 'revoked' | { readonly problem: string }

/** Recently used keys: OpenSSL takes longer to load a key than to verify with it, and most mail comes from a few senders. */
const parsedMax = 500
const parsed = new BoundedMap<string, Parsed>(parsedMax)
/** Longer than any real key record: not cached. */
const keptTextMax = 4096

/** @returns 'revoked' for an empty p=, or what is wrong with it. */
export function parseDkimKey(text: string): Parsed {
  const known = parsed.get(text)
  if (known) return known
  const key = read(text)
  if (text.length > keptTextMax) return key
  parsed.set(text, key)
  return key
}

function read(text: string): Parsed {
  const tags = parseTags(text)
  if (!tags) return { problem: 'the key record is no list of tags' }
  const version = tags.get('v')
  if (version !== undefined && (version !== 'DKIM1' || tags.keys().next().value !== 'v'))
    return { problem: 'the key record is not of DKIM1' }
  const services = tags
    .get('s')
    ?.split(':')
    .map((one) => one.trim().toLowerCase())
  if (services && !services.includes('*') && !services.includes('email')) return { problem: 'the key is not for mail' }
  const data = tags.get('p')
  if (data === undefined) return { problem: 'the key record has no p=' }
  if (data.replace(/\s+/g, '') === '') return 'revoked'
  const bytes = decodeTagBase64(data)
  if (!bytes) return { problem: 'p= is no base64' }
  const kind = (tags.get('k') ?? 'rsa').toLowerCase()
  const flags = (tags.get('t') ?? '').split(':').map((one) => one.trim())
  const about = {
    testing: flags.includes('y'),
    strict: flags.includes('s'),
    hashes: tags
      .get('h')
      ?.split(':')
      .map((one) => one.trim().toLowerCase()),
  }
  try {
    if (kind === 'ed25519') {
      if (bytes.length !== 32) return { problem: 'the ed25519 key has not 32 bytes' }
      const key = createPublicKey({ key: Buffer.concat([ed25519Prefix, bytes]), format: 'der', type: 'spki' })
      return { kind, key, bits: 256, ...about }
    }
    if (kind !== 'rsa') return { problem: `k=${kind} is no kind of key that we know` }
    const key = rsaKey(bytes)
    return { kind, key, bits: key.asymmetricKeyDetails?.modulusLength ?? 0, ...about }
  } catch {
    return { problem: 'p= is no key' }
  }
}

/** SubjectPublicKeyInfo as the RFC has it, or the bare RSAPublicKey that some publish. */
function rsaKey(bytes: Uint8Array): KeyObject {
  const key = Buffer.from(bytes)
  try {
    return createPublicKey({ key, format: 'der', type: 'spki' })
  } catch {
    return createPublicKey({ key, format: 'der', type: 'pkcs1' })
  }
}
