/** The SASL mechanisms that the given handlers can serve; others are not offered. RFC 4954, RFC 5802, RFC 7628. */
import { decoyScramKeys, parseScramKeys, scramKeys } from '../../directory/scram-keys.ts'
import { status, Refusal } from '../../mail/status.ts'
import { realRandom } from '../../platform/real/random.ts'
import type {
  Authenticated,
  Authenticator,
  ScramSource,
  TokenSource,
  VouchedSource,
} from '../../protocol/sasl/authenticator.ts'
import { external } from '../../protocol/sasl/external.ts'
import { passwordMechanisms, type SaslMechanism } from '../../protocol/sasl/mechanisms.ts'
import { oauthBearer, xoauth2 } from '../../protocol/sasl/oauth.ts'
import { scram } from '../../protocol/sasl/scram.ts'
import type { Calls } from './calls.ts'
import type { NoUser, SmtpHandlers } from './handlers.ts'
import type { SmtpSession } from './server-session.ts'

/** Our part of the nonce in every exchange. RFC 5802 §5.1. */
const nonceBytes = 18

/** Derives keys for `findScramKeys` from a password, with a random salt: text in RFC 5803's form, to be stored instead of the password. */
export function makeScramKeys(password: string): Promise<string> {
  return scramKeys(password)
}

export function canSignIn<User>(handlers: SmtpHandlers<User>): boolean {
  const { onPassword, onToken, findScramKeys, onCertificate } = handlers
  return (onPassword ?? onToken ?? findScramKeys ?? onCertificate) !== undefined
}

/** @param secret of this server: the SCRAM salts of unknown names are derived from it. */
export class SignIn<User> implements Authenticator, ScramSource, VouchedSource, TokenSource {
  readonly hints = {}
  readonly #handlers: SmtpHandlers<User>
  readonly #session: SmtpSession<User>
  readonly #calls: Calls<User>
  readonly #secret: Uint8Array

  constructor(handlers: SmtpHandlers<User>, session: SmtpSession<User>, calls: Calls<User>, secret: Uint8Array) {
    this.#handlers = handlers
    this.#session = session
    this.#calls = calls
    this.#secret = secret
  }

  /** Strongest first. */
  get mechanisms(): SaslMechanism[] {
    const { onPassword, onToken, findScramKeys, onCertificate } = this.#handlers
    const nonce = (): string => Buffer.from(realRandom.bytes(nonceBytes)).toString('base64')
    return [
      ...(findScramKeys ? scram({ hash: 'sha-256', source: this, nonce, plus: true }) : []),
      ...(onCertificate
        ? [external({ signInVouched: (addresses, username) => this.#byCertificate(addresses, username) })]
        : []),
      ...(onToken ? [oauthBearer(this, this), xoauth2(this, this)] : []),
      ...(onPassword ? passwordMechanisms : []),
    ]
  }

  #signedIn(name: string, user: User | NoUser): Authenticated | null {
    if (user === null || user === undefined || user === false) return null
    this.#session.signedIn(name, user)
    return { accountId: 0, name }
  }

  async verifyPassword(username: string, password: string): Promise<Authenticated | null> {
    const user = await this.#ask(() => this.#handlers.onPassword!({ username, password }, this.#session))
    return this.#signedIn(username, user)
  }

  /** Token and name are checked together, in `signInVouched`, which gets the token as the address. */
  async verifyToken(token: string): Promise<{ readonly address: string }> {
    return { address: token }
  }

  async signInVouched([token]: readonly string[], username: string): Promise<Authenticated | null> {
    const user = await this.#ask(() => this.#handlers.onToken!({ username, token: token! }, this.#session))
    return this.#signedIn(username, user)
  }

  async #byCertificate(addresses: readonly string[], username: string): Promise<Authenticated | null> {
    const user = await this.#ask(() => this.#handlers.onCertificate!({ username, addresses }, this.#session))
    return this.#signedIn(username === '' ? addresses[0]! : username, user)
  }

  async scramAttempt(username: string): ReturnType<ScramSource['scramAttempt']> {
    const found = await this.#ask(() => this.#handlers.findScramKeys!(username, this.#session))
    const own = found ? parseScramKeys(found.keys, 'sha-256') : undefined
    if (found && !own) this.#calls.report(new TypeError('findScramKeys gave keys that makeScramKeys did not make'))
    const keys = own ?? decoyScramKeys(this.#secret, username, 'sha-256')
    return { keys, finish: async (proved) => (proved && found && own ? this.#signedIn(username, found.user) : null) }
  }

  /** A handler that fails is a temporary failure, not a wrong password. RFC 4954 §6. */
  #ask<T>(work: () => T | Promise<T>): Promise<T> {
    return this.#calls.answer(work).catch((error: Refusal) => {
      throw error.status === status.localError ? new Refusal(status.authUnavailable, { cause: error.cause }) : error
    })
  }
}
