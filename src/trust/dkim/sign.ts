/** Signs messages: RSA and Ed25519, any number of keys over one pass of the body. RFC 6376 §5, RFC 8463. */
import { createHash, createPrivateKey, sign as signData, type KeyObject } from 'node:crypto'
import type { Header } from '../../mail/header.ts'
import { BodyDigest, canonicalField, type Canonicalization } from './canonical.ts'
import { signedFields } from './header-hash.ts'

export interface DkimSigningKey {
  readonly domain: string
  readonly selector: string
  /** RSA or Ed25519. */
  readonly key: KeyObject
}

export function loadSigningKey(domain: string, selector: string, pem: string): DkimSigningKey {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType !== 'rsa' && key.asymmetricKeyType !== 'ed25519')
    throw new TypeError(`a key of kind ${key.asymmetricKeyType} signs no mail`)
  return { domain, selector, key }
}

export interface DkimSignOptions {
  readonly headerForm?: Canonicalization
  readonly bodyForm?: Canonicalization
  /** Names of fields to be signed, if present. Some are oversigned: once more than they occur, so that none can be added. */
  readonly fields?: readonly string[]
  /** Seconds until the signature expires; default: never. */
  readonly expiresAfter?: number
  readonly nowMs: number
}

/** RFC 6376 §5.4.1, and the fields that mailing lists and replies use. */
export const fieldsToSign: readonly string[] = [
  'from',
  'sender',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'to',
  'cc',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'in-reply-to',
  'references',
  'list-id',
  'list-help',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-subscribe',
  'list-post',
  'list-owner',
  'list-archive',
]
/** Signed once more than they occur, also if absent: an added one might be shown instead. RFC 6376 §8.15. */
const oversigned = new Set([
  'from',
  'sender',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'to',
  'cc',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'in-reply-to',
  'references',
])

/** Signs one message: construct it with the header, write the body; the resulting fields go on top of the message. */
export class DkimSigner {
  readonly #header: Header
  readonly #keys: readonly DkimSigningKey[]
  readonly #options: DkimSignOptions
  readonly #body: BodyDigest

  constructor(header: Header, keys: readonly DkimSigningKey[], options: DkimSignOptions) {
    this.#header = header
    this.#keys = keys
    this.#options = options
    this.#body = new BodyDigest(createHash('sha256'), options.bodyForm ?? 'relaxed', undefined)
  }

  write(bytes: Uint8Array): void {
    this.#body.write(bytes)
  }

  /** A DKIM-Signature field for each key, CRLF at its end. */
  async end(): Promise<string> {
    const digest = this.#body.end().toString('base64')
    const fields = await Promise.all(this.#keys.map((key) => this.#sign(key, digest)))
    return fields.join('')
  }

  #names(): string[] {
    return (this.#options.fields ?? fieldsToSign).flatMap((given) => {
      const name = given.toLowerCase()
      const count = this.#header.all(name).length + (oversigned.has(name) ? 1 : 0)
      return Array.from({ length: count }, () => name)
    })
  }

  async #sign({ domain, selector, key }: DkimSigningKey, digest: string): Promise<string> {
    const { headerForm = 'relaxed', bodyForm = 'relaxed', expiresAfter, nowMs } = this.#options
    const seconds = Math.floor(nowMs / 1000)
    const names = this.#names()
    const algorithm = key.asymmetricKeyType === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256'
    const tags = [
      `v=1; a=${algorithm}; c=${headerForm}/${bodyForm}; d=${domain}; s=${selector};`,
      `t=${seconds};${expiresAfter === undefined ? '' : ` x=${seconds + expiresAfter};`}`,
      ...foldedNames(names),
      `bh=${digest};`,
      'b=',
    ]
    const field = `DKIM-Signature: ${tags.join('\r\n\t')}`
    const own = canonicalField(`${field}\r\n`, headerForm).replace(/\r\n$/, '')
    const data = Buffer.from(signedFields(this.#header, names, headerForm) + own, 'latin1')
    const signature = (await signatureOf(data, key)).toString('base64')
    return `${field}${signature.replace(/.{72}(?=.)/g, '$&\r\n\t ')}\r\n`
  }
}

/** On the platform's threads. RFC 8463 §3 for ed25519. */
export function signatureOf(data: Uint8Array, key: KeyObject): Promise<Buffer> {
  const isEd25519 = key.asymmetricKeyType === 'ed25519'
  const signed = isEd25519 ? createHash('sha256').update(data).digest() : data
  return new Promise((resolve, reject) =>
    signData(isEd25519 ? null : 'sha256', signed, key, (error, signature) =>
      error ? reject(error) : resolve(signature),
    ),
  )
}

/** `h=` in lines of at most 76 characters. */
function foldedNames(names: readonly string[]): string[] {
  const lines: string[] = []
  let line = 'h='
  for (const [at, name] of names.entries()) {
    const word = `${name}${at === names.length - 1 ? ';' : ':'}`
    if (line.length + word.length > 74) {
      lines.push(line)
      line = ' '
    }
    line += word
  }
  return [...lines, line]
}
