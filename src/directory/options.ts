/** What an operator may say about signing in: `[auth]` and `[oauth]`. */
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../base/options/option.ts'

export const authOptions = table({
  clientCertificates: option(
    kinds.path,
    undefined,
    'Certificate authorities (PEM) for client certificates (EXTERNAL): the mail address in the certificate is the account. Default: clients are not asked for a certificate.',
    '/etc/pennypost/clients-ca.pem',
  ),
  scramSha1: option(
    kinds.flag,
    false,
    'Also offers SCRAM-SHA-1, for old clients. Its keys are made when a password is set: accounts whose password was set while this was off cannot use it.',
  ),
  scramPlus: option(
    kinds.flag,
    false,
    'Offers SCRAM-SHA-256-PLUS, which detects a man in the middle by channel binding (RFC 5802 §6). Off by default, since programs built on libgsasl (mutt and neomutt of Debian) select it, cannot bind, and then fail to sign in.',
  ),
  failuresFree: option(
    kinds.count(1, 1000),
    3,
    'Different wrong passwords that an account may get from one address before it has to wait, twice as long each time. Repeating the same one does not count.',
  ),
  delayMaxMs: option(
    kinds.duration,
    60_000,
    'The longest such wait. At one minute, 1,440 guesses a day are too few for any good password, and a forgetful owner can soon try again.',
  ),
  trustMs: option(
    kinds.span,
    30 * 86_400_000,
    "How long an address counts as the account's own after a successful sign-in. Failures from other addresses, or on other accounts, then do not slow the account down there.",
  ),
  accountsPerAddressMax: option(
    kinds.count(1, 100_000),
    20,
    'Accounts that may fail from one address within an hour. Beyond it the address is taken to try a list of names, and is refused unless most of its sign-ins succeed.',
  ),
})

export type AuthOptions = ValuesOf<typeof authOptions>
export const authDefaults: AuthOptions = defaultsOf(authOptions)

/** Tokens of an issuer, checked by its keys or by asking it. */
export const oauthOptions = table({
  issuer: option(
    kinds.text,
    undefined,
    'The issuer whose tokens are accepted, exactly as the tokens name it.',
    'https://login.example.org',
  ),
  audience: option(
    kinds.text,
    undefined,
    'The audience that tokens must name. Without it, a token for any other service of the issuer would be accepted.',
    'pennypost',
  ),
  jwks: option(
    kinds.text,
    undefined,
    "The issuer's keys, as a URL or path; tokens are verified locally with them.",
    'https://login.example.org/jwks.json',
  ),
  introspection: option(
    kinds.text,
    undefined,
    'Instead of jwks: the URL at which each token is checked with the issuer (RFC 7662). Slower, but tokens can be revoked.',
    'https://login.example.org/introspect',
  ),
  clientId: option(kinds.text, undefined, 'The client id for introspection.', 'pennypost'),
  clientSecretFile: option(
    kinds.path,
    undefined,
    'A file whose first line is the client secret for introspection.',
    './oauth-secret',
  ),
  claim: option(
    kinds.text,
    'email',
    'The claim that holds the account name. An email that the issuer marks as not verified is not accepted.',
  ),
  scope: option(kinds.text, undefined, 'A scope that tokens must have; clients are told to request it.', 'mail'),
})

export type OAuthOptions = ValuesOf<typeof oauthOptions>
export const oauthDefaults: OAuthOptions = defaultsOf(oauthOptions)
