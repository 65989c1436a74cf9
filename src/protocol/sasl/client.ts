/** SASL, the client's side: the best mechanism that both have, and how it is spoken. RFC 4422, RFC 5802, RFC 4616. */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { saslprep } from '@mongodb-js/saslprep'
import { utf8 } from '../../base/bytes.ts'
import type { ChannelBindingType, TlsFacts } from '../../base/network.ts'
import type { ScramHash } from './authenticator.ts'
import { decodeBase64 } from './mechanism.ts'
import { bindingTypes, digestBytes, digestOf, scramName } from './scram-names.ts'

const derive = promisify(pbkdf2)

/** RFC 7677 §4: fewer would let a false server guess the password from our answer. */
const iterationsMin = 4096
/** A second of our CPU: more is the server's way to keep us busy. */
const iterationsMax = 2_000_000

/** The server does not prove itself, or says what SCRAM forbids: it may be a false one. */
export class SaslFault extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SaslFault'
  }
}

export interface SaslClient {
  readonly name: string
  /** The first message, where the client speaks first; RFC 4422 §5. */
  initial(): Uint8Array | undefined
  /** The answer to a challenge. Throws a SaslFault. */
  answer(challenge: Uint8Array): Promise<Uint8Array>
  /** The server says that we are in. Throws a SaslFault where it has yet to prove that it knows us. */
  succeeded(): void
}

export interface SaslCredentials {
  readonly username: string
  readonly password: string
  /** Ours in SCRAM; tests have their own. */
  readonly nonce?: string
}

/**
 * @param offered the server's names, in capitals.
 * @param tls null: nothing protects a password said here; PLAIN and LOGIN are taken only where `plaintext` allows it.
 * @returns undefined: there is none that both have.
 */
export function chooseMechanism(
  offered: readonly string[],
  credentials: SaslCredentials,
  channel: { readonly tls: TlsFacts | null; readonly plaintext: boolean },
): SaslClient | undefined {
  const { tls } = channel
  for (const hash of ['sha-256', 'sha-1'] as const) {
    const binding = bindingTypes.find((type) => tls?.binding?.(type) !== undefined)
    if (binding && offered.includes(scramName(hash, true)))
      return new ScramClient(hash, credentials, { type: binding, data: tls!.binding!(binding)! })
    // A server that could not see our certificate check fail must at least know its keys.
    if (offered.includes(scramName(hash, false))) return new ScramClient(hash, credentials, binding ? 'unused' : 'none')
  }
  if (!tls && !channel.plaintext) return undefined
  if (offered.includes('PLAIN')) return plainClient(credentials)
  if (offered.includes('LOGIN')) return loginClient(credentials)
  return undefined
}

function plainClient({ username, password }: SaslCredentials): SaslClient {
  return {
    name: 'PLAIN',
    initial: () => Buffer.from(`\0${username}\0${password}`),
    answer: () => Promise.reject(new SaslFault('the server asks for more than PLAIN has')),
    succeeded() {},
  }
}

/** How a token of a login page is shown to a server. */
export interface TokenCredentials {
  /** The account; '' for the token's own. */
  readonly username: string
  readonly token: string
}

/** @returns undefined: the server takes no tokens, or nothing protects them on this connection. RFC 7628, and Google's XOAUTH2. */
export function chooseTokenMechanism(
  offered: readonly string[],
  { username, token }: TokenCredentials,
  channel: { readonly tls: TlsFacts | null; readonly plaintext: boolean },
): SaslClient | undefined {
  if (!channel.tls && !channel.plaintext) return undefined
  const auth = `auth=Bearer ${token}\x01\x01`
  const name = username.replace(/=/g, '=3D').replace(/,/g, '=2C')
  if (offered.includes('OAUTHBEARER'))
    return tokenClient('OAUTHBEARER', `n,${name === '' ? '' : `a=${name}`},\x01${auth}`, '\x01')
  if (offered.includes('XOAUTH2')) return tokenClient('XOAUTH2', `user=${username}\x01${auth}`, '')
  return undefined
}

/** A challenge is the reason why not: it is answered, and the refusal follows. RFC 7628 §3.2.3. */
function tokenClient(name: string, words: string, sorry: string): SaslClient {
  return { name, initial: () => Buffer.from(words), answer: async () => Buffer.from(sorry), succeeded() {} }
}

function loginClient({ username, password }: SaslCredentials): SaslClient {
  const answers = [username, password]
  return {
    name: 'LOGIN',
    initial: () => undefined,
    async answer() {
      const answer = answers.shift()
      if (answer === undefined) throw new SaslFault('the server asks for more than LOGIN has')
      return Buffer.from(answer)
    },
    succeeded() {},
  }
}

function prepared(text: string): string {
  try {
    return saslprep(text)
  } catch {
    // The server keeps what it was given, as we do: RFC 5802 §2.2 leaves it open.
    return text
  }
}

type Binding = { readonly type: ChannelBindingType; readonly data: Uint8Array } | 'unused' | 'none'

class ScramClient implements SaslClient {
  readonly name: string
  readonly #hash: ScramHash
  readonly #password: string
  readonly #gs2Header: string
  readonly #bindingData: Uint8Array
  readonly #nonce: string
  readonly #bare: string
  #serverSignature: Buffer | undefined
  #proved = false

  constructor(hash: ScramHash, { username, password, nonce }: SaslCredentials, binding: Binding) {
    this.#hash = hash
    this.name = scramName(hash, typeof binding === 'object')
    this.#password = prepared(password)
    // 'y' says that we could bind, had it been offered: if it was, and an attacker removed it from the list, the server sees it. RFC 5802 §6.
    this.#gs2Header = typeof binding === 'object' ? `p=${binding.type},,` : binding === 'unused' ? 'y,,' : 'n,,'
    this.#bindingData = typeof binding === 'object' ? binding.data : new Uint8Array(0)
    this.#nonce = nonce ?? randomBytes(18).toString('base64')
    const name = prepared(username).replace(/=/g, '=3D').replace(/,/g, '=2C')
    this.#bare = `n=${name},r=${this.#nonce}`
  }

  initial(): Uint8Array {
    return Buffer.from(this.#gs2Header + this.#bare)
  }

  async answer(challenge: Uint8Array): Promise<Uint8Array> {
    const text = utf8(challenge)
    if (!this.#serverSignature) return this.#final(text)
    const error = /^e=([^,]*)/.exec(text)
    if (error) throw new SaslFault(`the server refuses: ${error[1]}`)
    const signature = decodeBase64(/^v=([^,]*)/.exec(text)?.[1] ?? '')
    if (signature?.length !== this.#serverSignature.length || !timingSafeEqual(signature, this.#serverSignature))
      throw new SaslFault('the server does not know the password that it asks for')
    this.#proved = true
    return new Uint8Array(0)
  }

  succeeded(): void {
    if (!this.#proved) throw new SaslFault('the server has not proved that it knows the password')
  }

  async #final(serverFirst: string): Promise<Uint8Array> {
    const found = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+=*),i=([1-9]\d{0,9})(?:,[A-Za-ln-z]=[^,]+)*$/.exec(
      serverFirst,
    )
    const salt = found && decodeBase64(found[2]!)
    if (!found || !salt) throw new SaslFault('the server does not speak SCRAM as RFC 5802 has it')
    const [, nonce, , count] = found as unknown as [string, string, string, string]
    const iterations = Number(count)
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw new SaslFault('the server answered with a nonce that is not ours')
    if (iterations < iterationsMin || iterations > iterationsMax)
      throw new SaslFault(`the server wants ${iterations} iterations, which is too few or too many`)
    const digest = digestOf[this.#hash]
    const salted = await derive(this.#password, salt, iterations, digestBytes[this.#hash], digest)
    const hmac = (key: Uint8Array, words: string): Buffer => createHmac(digest, key).update(words).digest()
    const channel = Buffer.concat([Buffer.from(this.#gs2Header), this.#bindingData]).toString('base64')
    const bare = `c=${channel},r=${nonce}`
    const message = `${this.#bare},${serverFirst},${bare}`
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash(digest).update(clientKey).digest(), message)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!))
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), message)
    return Buffer.from(`${bare},p=${proof.toString('base64')}`)
  }
}
