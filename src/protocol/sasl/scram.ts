/** SCRAM, the server's side: the client proves that it has the password, and we that we have its keys. RFC 5802, RFC 7677. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { utf8 } from '../../base/bytes.ts'
import type { ChannelBindingType, TlsFacts } from '../../base/network.ts'
import type { Authenticated, ScramAttempt, ScramHash, ScramSource } from './authenticator.ts'
import type { MechanismContext, SaslExchange, SaslMechanism } from './mechanism.ts'
import { decodeBase64 } from './mechanism.ts'
import { bindingTypes, digestOf, scramName } from './scram-names.ts'

export interface ScramOptions {
  readonly hash: ScramHash
  readonly source: ScramSource
  /** Our part of the nonce: printable, without commas, never the same again. */
  readonly nonce: () => string
  /** Bound to the channel as well. */
  readonly plus: boolean
}

/** A client's nonce is some 24 characters; it comes back in our answer, and is hashed. */
const clientNonceLengthMax = 512

/** The mechanism with a channel binding and without, the stronger first. */
export function scram(options: ScramOptions): readonly SaslMechanism[] {
  return (options.plus ? [true, false] : [false]).map((plus) => ({
    name: scramName(options.hash, plus),
    plaintext: false,
    ...(plus ? { fits: hasBinding } : {}),
    begin: (context) => new ScramExchange(options, context, plus),
  }))
}

/** Departs: RFC 5802 §6.1, tls-unique is not among them: TLS 1.3 has none, and under 1.2 it needs what Node does not tell (RFC 7627). */
function hasBinding(tls: TlsFacts): boolean {
  return bindingTypes.some((type) => tls.binding?.(type) !== undefined)
}

interface First {
  /** As it was sent: the client's last message repeats it. */
  readonly gs2Header: string
  readonly binding: ChannelBindingType | undefined
  readonly bare: string
  readonly user: string
  readonly nonce: string
}

class ScramExchange implements SaslExchange {
  readonly #options: ScramOptions
  readonly #context: MechanismContext
  readonly #plus: boolean
  #first: First | undefined
  #attempt: ScramAttempt | undefined
  #serverFirst = ''
  #nonce = ''
  #user: Authenticated | undefined

  constructor(options: ScramOptions, context: MechanismContext, plus: boolean) {
    this.#options = options
    this.#context = context
    this.#plus = plus
  }

  async step(response: Uint8Array | undefined): Promise<Uint8Array | Authenticated | null> {
    if (this.#user) return response?.length === 0 ? this.#user : null
    if (this.#attempt) return this.#final(this.#attempt, utf8(response!))
    // A client-first mechanism: without its first message it is asked for it. RFC 4422 §5.
    return response ? this.#begin(utf8(response)) : new Uint8Array(0)
  }

  async #begin(text: string): Promise<Uint8Array | null> {
    const first = parseFirst(text, this.#plus)
    const { tls, peer } = this.#context
    if (!first) return null
    // 'y': the client could bind the channel and was told that we cannot. An attacker has changed our list. RFC 5802 §6.
    if (this.#options.plus && first.gs2Header.startsWith('y') && tls && hasBinding(tls)) return null
    if (first.binding && tls?.binding?.(first.binding) === undefined) return null
    const { source, hash, nonce } = this.#options
    this.#first = first
    this.#attempt = await source.scramAttempt(first.user, hash, peer)
    const { salt, iterations } = this.#attempt.keys
    this.#nonce = first.nonce + nonce()
    this.#serverFirst = `r=${this.#nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`
    return Buffer.from(this.#serverFirst)
  }

  async #final(attempt: ScramAttempt, text: string): Promise<Uint8Array | null> {
    const final = /^(c=([^,]*),r=([^,]*)(?:,[A-Za-ln-z]=[^,]+)*),p=([^,]*)$/s.exec(text)
    const signature = final && this.#check(attempt, final[1]!, final[2]!, final[3]!, final[4]!)
    const user = await attempt.finish(signature !== null)
    if (!user || !signature) return null
    this.#user = user
    // None of our protocols can say it with the success: the client answers it with nothing. RFC 4422 §3.6.
    return Buffer.from(`v=${signature.toString('base64')}`)
  }

  /** @returns our own proof, for a client that has proved itself. RFC 5802 §3. */
  #check({ keys }: ScramAttempt, bare: string, binding: string, nonce: string, proof: string): Buffer | null {
    const { hash } = this.#options
    const hmac = (key: Uint8Array, words: string): Buffer => createHmac(digestOf[hash], key).update(words).digest()
    const message = `${this.#first!.bare},${this.#serverFirst},${bare}`
    const clientSignature = hmac(keys.storedKey, message)
    const clientProof = decodeBase64(proof)
    if (clientProof?.length !== clientSignature.length) return null
    const clientKey = clientProof.map((byte, at) => byte ^ clientSignature[at]!)
    const storedKey = createHash(digestOf[hash]).update(clientKey).digest()
    // All three whatever the others say: how long it takes tells nothing.
    const proved = timingSafeEqual(storedKey, keys.storedKey)
    const bound = binding === this.#channel()
    if (!proved || !bound || nonce !== this.#nonce) return null
    return hmac(keys.serverKey, message)
  }

  /** What `c=` must be: the header as it came, and the data of our side of the channel. */
  #channel(): string {
    const { gs2Header, binding } = this.#first!
    const data = binding && this.#context.tls?.binding?.(binding)
    return Buffer.concat([Buffer.from(gs2Header), data ?? new Uint8Array(0)]).toString('base64')
  }
}

/** `gs2-header client-first-message-bare`, RFC 5802 §7; undefined for what must fail. */
function parseFirst(text: string, plus: boolean): First | undefined {
  // An `m=` in front of the name is an extension that we would have to know: no match.
  const found =
    /^((?:p=([A-Za-z0-9.-]+)|[ny]),(?:a=([^,]*))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-ln-z]=[^,]+)*)$/s.exec(
      text,
    )
  if (!found) return undefined
  const [, gs2Header, bindingName, authorization, bare, quoted, nonce] = found as unknown as string[]
  if ((bindingName !== undefined) !== plus || nonce!.length > clientNonceLengthMax) return undefined
  const binding = bindingTypes.find((type) => type === bindingName)
  if (plus && !binding) return undefined
  const user = unquote(quoted!)
  // Departs: RFC 5802 §5.1, acting as another user is not offered to any client.
  if (user === undefined) return undefined
  // gsasl says `a=` for none, which the grammar has not.
  if (authorization && unquote(authorization) !== user) return undefined
  return { gs2Header: gs2Header!, binding, bare: bare!, user, nonce: nonce! }
}

function unquote(name: string): string | undefined {
  if (/=(?!2C|3D)|\0/.test(name)) return undefined
  return name.replace(/=2C/g, ',').replace(/=3D/g, '=')
}
