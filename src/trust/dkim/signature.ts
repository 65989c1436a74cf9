/** The DKIM-Signature field. RFC 6376 §3.5; algorithms by RFC 8301 and RFC 8463. */
import type { Canonicalization } from './canonical.ts'
import { decodeTagBase64, parseTags } from './tags.ts'

export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256' | 'rsa-sha1'

export interface DkimSignature {
  readonly algorithm: DkimAlgorithm
  readonly signature: Uint8Array
  readonly bodyHash: Uint8Array
  readonly headerForm: Canonicalization
  readonly bodyForm: Canonicalization
  /** Lower case. */
  readonly domain: string
  readonly selector: string
  /** `i=`: whom the domain means; `@domain` by default. */
  readonly identity: string
  /** Names of signed fields, lower case, in order. */
  readonly fields: readonly string[]
  /** `l=`: only so much of the body is signed. */
  readonly bodyLength: number | undefined
  /** Seconds since 1970. */
  readonly signedAt: number | undefined
  readonly expiresAt: number | undefined
}

/** @param value the field's value, folds in it. @returns what is wrong with it, when something is. */
export function parseDkimSignature(value: string): DkimSignature | { readonly problem: string } {
  const tags = parseTags(value)
  if (!tags) return { problem: 'it is no list of tags' }
  if (tags.get('v') !== '1') return { problem: 'v= is not 1' }
  const algorithm = tags.get('a')?.toLowerCase()
  if (algorithm !== 'rsa-sha256' && algorithm !== 'ed25519-sha256' && algorithm !== 'rsa-sha1')
    return { problem: `a=${algorithm ?? ''} is no algorithm that we know` }
  const signature = decodeTagBase64(tags.get('b') ?? '')
  const bodyHash = decodeTagBase64(tags.get('bh') ?? '')
  if (!signature || !bodyHash) return { problem: 'b= or bh= is missing or no base64' }
  const [headerForm = '', bodyForm = 'simple', ...rest] = (tags.get('c') ?? 'simple/simple').toLowerCase().split('/')
  if (!isForm(headerForm) || !isForm(bodyForm) || rest.length > 0) return { problem: `c=${tags.get('c')} is unknown` }
  const domain = tags.get('d')?.toLowerCase()
  const selector = tags.get('s')?.toLowerCase()
  if (!isName(domain) || !isName(selector)) return { problem: 'd= or s= is no name' }
  const fields = (tags.get('h') ?? '').split(':').map((name) => name.replace(/\s+/g, '').toLowerCase())
  if (!fields.includes('from')) return { problem: 'From is not signed' }
  const identity = tags.get('i')?.replace(/\s+/g, '') ?? `@${domain}`
  const identityDomain = identity.slice(identity.lastIndexOf('@') + 1).toLowerCase()
  if (identityDomain !== domain && !identityDomain.endsWith(`.${domain}`)) return { problem: 'i= is not of d=' }
  const query = tags.get('q')
  if (query !== undefined && !query.split(':').some((one) => one.trim().toLowerCase() === 'dns/txt'))
    return { problem: 'q= asks for no way that there is' }
  const numbers = ['l', 't', 'x'].map((name) => numberOf(tags.get(name)))
  if (numbers.includes(null)) return { problem: 'l=, t= or x= is no number' }
  const [bodyLength, signedAt, expiresAt] = numbers as (number | undefined)[]
  if (signedAt !== undefined && expiresAt !== undefined && expiresAt < signedAt) return { problem: 'x= is before t=' }
  return {
    algorithm,
    signature,
    bodyHash,
    headerForm,
    bodyForm,
    domain,
    selector,
    identity,
    fields,
    bodyLength,
    signedAt,
    expiresAt,
  }
}

function isForm(text: string): text is Canonicalization {
  return text === 'simple' || text === 'relaxed'
}

function isName(text: string | undefined): text is string {
  return (
    text !== undefined &&
    text.length <= 253 &&
    /^[a-z0-9_\u0080-\uffff](?:[a-z0-9_.\u0080-\uffff-]*[a-z0-9_\u0080-\uffff])?$/.test(text)
  )
}

/** null: there is one and it is no number. */
function numberOf(text: string | undefined): number | undefined | null {
  if (text === undefined) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

/** The value with its `b=` emptied, as it is hashed itself. RFC 6376 §3.7. */
export function withoutSignature(raw: string): string {
  return raw.replace(/((?:^|[;:])[ \t\r\n]*b[ \t\r\n]*=)[^;]*/, '$1')
}
