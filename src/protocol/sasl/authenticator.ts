/** Checks passwords and other credentials. `system.ts` hands an implementation to every protocol, and to mechanisms beyond passwords. */
import type { Peer } from '../../base/network.ts'

/** A user who has signed in. Only an `Authenticator` makes one: code that needs a signed-in user takes this type. */
export interface Authenticated {
  /** The backend's own number for it: a plain number, as a library's backend may have others than the store's. */
  readonly accountId: number
  /** The account's own address, as `user@domain`. */
  readonly name: string
  /** What proved it, in a form that the authenticator's own room knows: of a password that may be revoked by itself. */
  readonly credential?: string | undefined
}

export interface Authenticator {
  /**
   * Checks a password. Takes as long for an unknown user as for a wrong password.
   * @returns null: wrong, unknown or disabled, whichever. Throws a Refusal when it cannot be told now (454 4.7.0).
   */
  verifyPassword(user: string, password: string, peer: Peer): Promise<Authenticated | null>
}

export type ScramHash = 'sha-256' | 'sha-1'

/** What a server keeps of a password for SCRAM. RFC 5802 §3. */
export interface ScramKeys {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** One SCRAM exchange for one user. An unknown user gets keys that look real, but that no password fits. */
export interface ScramAttempt {
  readonly keys: ScramKeys
  /** Ends it, once. `proved`: the client has the password of these keys. @returns null where it does not count all the same. */
  finish(proved: boolean): Promise<Authenticated | null>
}

export interface ScramSource {
  /** Throws a Refusal when it cannot be told now. */
  scramAttempt(user: string, hash: ScramHash, peer: Peer): Promise<ScramAttempt>
}

/** Accounts by addresses that a third party vouches for: a certificate authority, the issuer of a token. */
export interface VouchedSource {
  /**
   * The one account that the addresses lead to.
   * @param asked the authorization identity; '' for whichever it is. @returns null: none, more than one, another, or disabled.
   */
  signInVouched(addresses: readonly string[], asked: string, peer: Peer): Promise<Authenticated | null>
}

/** Why a token is not taken, in the words of RFC 6750 §3.1; clients are told. */
export type TokenFault = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

export interface TokenSource {
  /**
   * Whom the token was given to. Throws a Refusal when its issuer cannot be asked now, or who tries has to wait.
   * @param asked the account that the client wants; '' for the token's own.
   */
  verifyToken(
    token: string,
    asked: string,
    peer: Peer,
  ): Promise<{ readonly address: string } | { readonly fault: TokenFault }>
  /** What a client needs to get a better one. RFC 7628 §3.2.2. */
  readonly hints: { readonly scope?: string; readonly 'openid-configuration'?: string }
}
