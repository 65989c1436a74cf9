/** Verifies DKIM signatures: hashes the body as a stream, then looks up the keys. RFC 6376 §6, RFC 8301, RFC 8463. */
import { createHash, verify as verifySignature } from 'node:crypto'
import type { DnsOutcome } from '../../base/resolver.ts'
import type { Header } from '../../mail/header.ts'
import { BodyDigest, canonicalField } from './canonical.ts'
import { signedFields } from './header-hash.ts'
import { parseDkimKey, type DkimKey } from './key.ts'
import { parseDkimSignature, withoutSignature, type DkimSignature } from './signature.ts'

/** RFC 8601 §2.7.1. */
export type DkimResult = 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror'

export interface DkimVerdict {
  readonly result: DkimResult
  /** Why it did not pass, in words. */
  readonly problem?: string
  readonly domain: string
  readonly selector: string
  readonly identity: string
  readonly algorithm: string
  /** The beginning of b=, which identifies the signature in reports. RFC 6008. */
  readonly signaturePrefix: string
  readonly keyBits?: number
  /** The domain is only testing DKIM: a failure counts as no signature. */
  readonly testing: boolean
  /** Not all of the body is signed (l=): the rest may have been added by others. */
  readonly bodyBeyond: boolean
}

/** Signatures that are verified; a message with more is an attack on our CPU and on resolvers. */
export const signaturesMax = 10
/** RFC 8301 §3.2: signatures by shorter keys are not accepted. */
const rsaBitsMin = 1024

export interface DkimDns {
  txt(name: string): Promise<DnsOutcome<string>>
}

interface Candidate {
  readonly signature: DkimSignature
  /** The field as in the header. */
  readonly raw: string
  readonly body: BodyDigest
}

/** Verifies one message: construct it with the header, write the body, call `end`. */
export class DkimVerifier {
  readonly #header: Header
  readonly #candidates: Candidate[] = []
  readonly #verdicts: (DkimVerdict | Candidate)[] = []
  /** Signatures that hash the body alike share a digest. */
  readonly #bodies = new Map<string, BodyDigest>()

  constructor(header: Header) {
    this.#header = header
    for (const field of header.all('dkim-signature').slice(0, signaturesMax)) {
      const raw = header.raw(field)
      const signature = parseDkimSignature(raw.slice(raw.indexOf(':') + 1))
      if ('problem' in signature) this.#verdicts.push(unreadable(raw, signature.problem))
      else {
        const candidate = { signature, raw, body: this.#bodyOf(signature) }
        this.#candidates.push(candidate)
        this.#verdicts.push(candidate)
      }
    }
  }

  /** Nothing to verify: the body need not be fed. */
  get isEmpty(): boolean {
    return this.#candidates.length === 0
  }

  #bodyOf({ bodyForm, bodyLength, algorithm }: DkimSignature): BodyDigest {
    const hash = algorithm === 'rsa-sha1' ? 'sha1' : 'sha256'
    const key = `${hash} ${bodyForm} ${bodyLength ?? ''}`
    let body = this.#bodies.get(key)
    if (!body) this.#bodies.set(key, (body = new BodyDigest(createHash(hash), bodyForm, bodyLength)))
    return body
  }

  /** Bytes of the body, cut anywhere. */
  write(bytes: Uint8Array): void {
    for (const body of this.#bodies.values()) body.write(bytes)
  }

  /** In the order of the header. Never throws. @param nowMs for signatures that have expired. */
  async end(dns: DkimDns, nowMs: number): Promise<DkimVerdict[]> {
    const digests = new Map([...this.#bodies.values()].map((body) => [body, body.end()]))
    return Promise.all(
      this.#verdicts.map((one) => ('signature' in one ? this.#judge(one, digests.get(one.body)!, dns, nowMs) : one)),
    )
  }

  async #judge(candidate: Candidate, digest: Buffer, dns: DkimDns, nowMs: number): Promise<DkimVerdict> {
    const { signature, body } = candidate
    const { domain, selector, identity, algorithm, bodyLength } = signature
    const about = {
      domain,
      selector,
      identity,
      algorithm,
      signaturePrefix: Buffer.from(signature.signature).toString('base64').slice(0, 8),
      bodyBeyond: bodyLength !== undefined && body.length > bodyLength,
    }
    const verdict = (result: DkimResult, problem?: string, key?: DkimKey): DkimVerdict => ({
      result,
      ...(problem === undefined ? {} : { problem }),
      ...about,
      ...(key ? { keyBits: key.bits } : {}),
      testing: key?.testing ?? false,
    })
    if (algorithm === 'rsa-sha1') return verdict('policy', 'SHA-1 is no proof any more (RFC 8301)')
    if (signature.expiresAt !== undefined && signature.expiresAt * 1000 < nowMs)
      return verdict('fail', 'the signature has expired')
    if (bodyLength !== undefined && body.length < bodyLength) return verdict('permerror', 'l= is longer than the body')
    const name = `${selector}._domainkey.${domain}`
    const outcome = await dns.txt(name)
    if (outcome.kind === 'failed') return verdict('temperror', `no answer about ${name} (${outcome.reason})`)
    if (outcome.kind === 'none') return verdict('permerror', `there is no key at ${name}`)
    const key = parseDkimKey(outcome.records[0]!)
    if (key === 'revoked') return verdict('permerror', `the key at ${name} was revoked`)
    if ('problem' in key) return verdict('permerror', `${name}: ${key.problem}`)
    if (key.kind !== algorithm.slice(0, algorithm.indexOf('-')))
      return verdict('permerror', `the key at ${name} is of another kind`, key)
    if (key.hashes && !key.hashes.includes('sha256'))
      return verdict('permerror', `the key at ${name} is not for SHA-256`, key)
    if (key.strict && identity.slice(identity.lastIndexOf('@') + 1).toLowerCase() !== domain)
      return verdict('permerror', 'the key does not speak for subdomains', key)
    if (key.kind === 'rsa' && key.bits < rsaBitsMin)
      return verdict('policy', `a key of ${key.bits} bits is no proof (RFC 8301)`, key)
    if (!digest.equals(Buffer.from(signature.bodyHash))) return verdict('fail', 'the body was changed', key)
    if (!(await this.#fits(candidate, key)))
      return verdict('fail', 'the header was changed, or the key is another one', key)
    // RFC 6376 §8.15: programs show the first From, but the last one is signed.
    if (this.#header.all('from').length > signature.fields.filter((name) => name === 'from').length)
      return verdict('permerror', 'it does not sign all From fields', key)
    // RFC 6376 §8.2: the unsigned rest may have been added by others, and may be all that is shown.
    if (about.bodyBeyond) return verdict('policy', 'the body goes on behind what l= signs', key)
    return verdict('pass', undefined, key)
  }

  #fits({ signature, raw }: Candidate, key: DkimKey): Promise<boolean> {
    const { fields, headerForm } = signature
    const own = canonicalField(withoutSignature(raw), headerForm).replace(/\r\n$/, '')
    const data = Buffer.from(signedFields(this.#header, fields, headerForm) + own, 'latin1')
    return verifyData(data, key, signature.signature)
  }
}

/** On the platform's threads, so that a signature does not block the event loop. */
export function verifyData(data: Uint8Array, { kind, key }: DkimKey, signature: Uint8Array): Promise<boolean> {
  // RFC 8463 §3: ed25519 signs the SHA-256 of the data.
  const signed = kind === 'ed25519' ? createHash('sha256').update(data).digest() : data
  return new Promise((resolve) => {
    try {
      verifySignature(kind === 'ed25519' ? null : 'sha256', signed, key, signature, (error, fits) =>
        resolve(!error && fits),
      )
    } catch {
      resolve(false)
    }
  })
}

function unreadable(raw: string, problem: string): DkimVerdict {
  const tag = (name: string): string =>
    new RegExp(`(?:^|[;:])\\s*${name}\\s*=\\s*([^;\\s]*)`).exec(raw)?.[1]?.slice(0, 253) ?? ''
  return {
    result: 'permerror',
    problem,
    domain: tag('d').toLowerCase(),
    selector: tag('s').toLowerCase(),
    identity: '',
    algorithm: tag('a'),
    signaturePrefix: tag('b').slice(0, 8),
    testing: false,
    bodyBeyond: false,
  }
}
