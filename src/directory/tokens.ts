/** Checks tokens of an issuer: signed ones (JWT) by its keys, others by asking it. RFC 7519, RFC 7517, RFC 7662. */
import { BoundedMap } from '../base/bounded-map.ts'
import { createHmac, randomBytes } from 'node:crypto'
import type * as Jose from 'jose'
import { latin1, utf8 } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import type { Files } from '../base/files.ts'
import type { HttpClient } from '../base/http-client.ts'
import type { Log } from '../base/log.ts'
import { Refusal, status } from '../mail/status.ts'
import type { OAuthOptions } from './options.ts'

/** Public keys only: with a shared secret, each party that checks a token could also forge one. */
const algorithms: Jose.JWTVerifyOptions['algorithms'] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
/** Clocks differ. */
const clockToleranceSeconds = 30
/** How long the issuer's keys are used without asking again; issuers announce new ones days before. */
const keysKeptMs = 3_600_000
/** A token may name a key that we do not have yet. Such tokens are easily forged, so the issuer is not asked more often. */
const keysAgainMs = 30_000
/** How long an answer about a token is kept: a revocation takes effect that much later. */
const answerKeptMs = 60_000
const answersMax = 10_000
/** Requests to the issuer at the same time. */
const askingMax = 32
const askTimeoutMs = 10_000
const answerBytesMax = 256 * 1024
/** A longer text is no token; the line limits of the protocols are similar. */
const tokenLengthMax = 12_288

export interface TokenTools {
  readonly options: OAuthOptions
  readonly clock: Clock
  readonly files: Files
  readonly http: HttpClient
  readonly log: Log
}

export type Verified =
  | { readonly address: string }
  /** `authentic`: the issuer made it, but it has expired or is for another service. It was not guessed. */
  | { readonly fault: 'invalid_token' | 'insufficient_scope'; readonly authentic?: boolean }

/** Checks a token and tells whose it is. */
export interface TokenCheck {
  readonly hints: { readonly scope?: string; readonly 'openid-configuration'?: string }
  verifyToken(token: string): Promise<Verified>
}

const invalid: Verified = { fault: 'invalid_token' }
const authenticFault = (fault: 'invalid_token' | 'insufficient_scope'): Verified => ({ fault, authentic: true })

export class IssuerTokens implements TokenCheck {
  readonly hints: TokenCheck['hints']
  readonly #tools: TokenTools
  readonly #verify: (token: string) => Promise<Verified>

  constructor(tools: TokenTools) {
    this.#tools = tools
    const { issuer, scope, introspection } = tools.options
    this.#verify =
      introspection === undefined ? new SignedTokens(tools).verify : new AskedTokens(tools, introspection).verify
    this.hints = {
      ...(scope === undefined ? {} : { scope }),
      // RFC 7628 §3.2.2: an https address.
      ...(issuer?.startsWith('https://')
        ? { 'openid-configuration': `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration` }
        : {}),
    }
  }

  /** Whose token it is. Throws a Refusal if its issuer cannot be asked now. */
  async verifyToken(token: string): Promise<Verified> {
    if (token.length > tokenLengthMax) return invalid
    try {
      return await this.#verify(token)
    } catch (error) {
      this.#tools.log.warn('token could not be checked', { error: String(error) })
      throw new Refusal(status.authUnavailable, { cause: error })
    }
  }
}

/** The address in the claims of a valid token. */
function verifiedOf(claims: Readonly<Record<string, unknown>>, { claim, scope }: OAuthOptions): Verified {
  if (scope !== undefined) {
    const granted = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : []
    if (!granted.includes(scope)) return authenticFault('insufficient_scope')
  }
  const address = claims[claim]
  // An address that the issuer has not verified is whatever the user typed there. OpenID Connect Core §5.1.
  if (typeof address !== 'string' || address === '' || (claim === 'email' && claims['email_verified'] === false))
    return authenticFault('invalid_token')
  return { address }
}

class SignedTokens {
  readonly #tools: TokenTools
  #keys: { readonly find: Jose.JWTVerifyGetKey; readonly atMs: number } | undefined
  #reading: Promise<void> | undefined

  constructor(tools: TokenTools) {
    this.#tools = tools
  }

  readonly verify = async (token: string): Promise<Verified> => {
    const { jwtVerify, errors } = await import('jose')
    const { options, clock } = this.#tools
    const { issuer, audience } = options
    const check = async (): Promise<Verified> => {
      const { payload } = await jwtVerify(token, this.#keys!.find, {
        algorithms,
        issuer: issuer!,
        audience: audience!,
        requiredClaims: ['exp'],
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(clock.now()),
      })
      return verifiedOf(payload, options)
    }
    // The signature is checked before the claims: so a token that is only too old is known to be authentic.
    const told = (error: unknown): Verified => {
      if (!(error instanceof errors.JOSEError)) throw error
      return error instanceof errors.JWTExpired ? authenticFault('invalid_token') : invalid
    }
    await this.#fresh(keysKeptMs)
    try {
      return await check()
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) return told(error)
    }
    await this.#fresh(keysAgainMs)
    return check().catch(told)
  }

  /** Fetches the keys again if they are older, once for all callers. If that fails, the old keys stay. */
  async #fresh(keptMs: number): Promise<void> {
    const now = this.#tools.clock.monotonic()
    if (this.#keys && now - this.#keys.atMs < keptMs) return
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    try {
      await this.#reading
    } catch (error) {
      if (!this.#keys) throw error
      this.#tools.log.warn('token keys could not be refreshed', { error: String(error) })
      // Treated as fresh, or each token would wait for an issuer that does not answer.
      this.#keys = { find: this.#keys.find, atMs: now - keysKeptMs + keysAgainMs }
    }
  }

  async #read(): Promise<void> {
    const { options, files, http, clock } = this.#tools
    const source = options.jwks!
    const { createLocalJWKSet } = await import('jose')
    let bytes: Uint8Array | undefined
    if (/^https?:/.test(source)) {
      const answer = await http.ask({ method: 'GET', url: source, timeoutMs: askTimeoutMs, bytesMax: answerBytesMax })
      if (answer.status !== 200) throw new Error(`${source} answers ${answer.status}`)
      bytes = answer.body
    } else bytes = await files.read(source)
    if (!bytes) throw new Error(`there is no file ${source}`)
    this.#keys = { find: createLocalJWKSet(JSON.parse(utf8(bytes)) as Jose.JSONWebKeySet), atMs: clock.monotonic() }
  }
}

class AskedTokens {
  readonly #tools: TokenTools
  readonly #url: string
  /** Tokens are remembered only as keyed hashes. */
  readonly #secret = randomBytes(32)
  readonly #answers = new BoundedMap<string, { readonly verified: Verified; readonly untilMs: number }>(answersMax)
  #asking = 0
  #password: string | undefined

  constructor(tools: TokenTools, url: string) {
    this.#tools = tools
    this.#url = url
  }

  readonly verify = async (token: string): Promise<Verified> => {
    const { clock } = this.#tools
    const key = createHmac('sha256', this.#secret).update(token).digest('base64')
    const known = this.#answers.get(key)
    if (known && known.untilMs > clock.monotonic()) return known.verified
    if (this.#asking >= askingMax) throw new Error('too many tokens wait for their issuer')
    this.#asking++
    try {
      const claims = await this.#ask(token)
      const verified = this.#check(claims)
      const leftMs = typeof claims['exp'] === 'number' ? claims['exp'] * 1000 - clock.now() : answerKeptMs
      this.#answers.set(key, { verified, untilMs: clock.monotonic() + Math.max(0, Math.min(answerKeptMs, leftMs)) })
      return verified
    } finally {
      this.#asking--
    }
  }

  /** RFC 7662 §2.2: the issuer has checked the token; we check that it was issued for us. */
  #check(claims: Readonly<Record<string, unknown>>): Verified {
    const { options, clock } = this.#tools
    const { issuer, audience } = options
    if (claims['active'] !== true) return invalid
    if (typeof claims['exp'] === 'number' && claims['exp'] * 1000 <= clock.now()) return invalid
    if (issuer !== undefined && claims['iss'] !== undefined && claims['iss'] !== issuer) return invalid
    if (audience !== undefined && ![claims['aud']].flat().includes(audience)) return invalid
    return verifiedOf(claims, options)
  }

  async #ask(token: string): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#tools.http.ask({
      method: 'POST',
      url: this.#url,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
        ...(await this.#authorization()),
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      timeoutMs: askTimeoutMs,
      bytesMax: answerBytesMax,
    })
    if (answer.status !== 200) throw new Error(`${this.#url} answers ${answer.status}`)
    const claims = JSON.parse(utf8(answer.body)) as unknown
    if (typeof claims !== 'object' || claims === null) throw new Error(`${this.#url} answers no object`)
    return claims as Record<string, unknown>
  }

  /** RFC 6749 §2.3.1: both are form-encoded first. */
  async #authorization(): Promise<Record<string, string>> {
    const { clientId, clientSecretFile } = this.#tools.options
    if (clientId === undefined || clientSecretFile === undefined) return {}
    if (this.#password === undefined) {
      const bytes = await this.#tools.files.read(clientSecretFile)
      if (!bytes) throw new Error(`there is no file ${clientSecretFile}`)
      this.#password = latin1(bytes).replace(/\r?\n$/, '')
    }
    const encoded = [clientId, this.#password].map(encodeURIComponent).join(':')
    return { authorization: `Basic ${Buffer.from(encoded).toString('base64')}` }
  }
}
