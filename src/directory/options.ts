/** What an operator may say about signing in. */

export interface AuthOptions {
  /** PEM file of those who may sign certificates that users sign in with (EXTERNAL). */
  readonly clientCertificates: string | undefined
  readonly scramSha1: boolean
  /** SCRAM bound to its TLS channel is offered. */
  readonly scramPlus: boolean
  readonly failuresFree: number
  readonly delayMaxMs: number
  readonly trustMs: number
  readonly accountsPerAddressMax: number
}

export const authDefaults: AuthOptions = {
  clientCertificates: undefined,
  scramSha1: false,
  scramPlus: false,
  failuresFree: 3,
  delayMaxMs: 60_000,
  trustMs: 30 * 86_400_000,
  accountsPerAddressMax: 20,
}

/** Tokens of an issuer, checked by its keys or by asking it. */
export interface OAuthOptions {
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** URL or path of the issuer's keys. */
  readonly jwks: string | undefined
  readonly introspection: string | undefined
  readonly clientId: string | undefined
  readonly clientSecretFile: string | undefined
  readonly claim: string
  readonly scope: string | undefined
}

export const oauthDefaults: OAuthOptions = {
  issuer: undefined,
  audience: undefined,
  jwks: undefined,
  introspection: undefined,
  clientId: undefined,
  clientSecretFile: undefined,
  claim: 'email',
  scope: undefined,
}
