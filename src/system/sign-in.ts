/** Authentication of clients: accounts, passwords, tokens, and the SASL mechanisms offered. */
import type { AccountId } from '../mail/ids.ts'
import type { Peer } from '../base/network.ts'
import { AccountAuthenticator } from '../directory/authenticator.ts'
import { IssuerTokens } from '../directory/tokens.ts'
import type { SaslMechanism } from '../protocol/sasl/mechanism.ts'
import { saslMechanisms } from '../protocol/sasl/mechanisms.ts'
import type { People } from './directory.ts'
import type { Platform } from './platform.ts'
import type { Settings } from './settings.ts'

interface Tools {
  readonly platform: Platform
  readonly settings: Settings
  readonly people: People
  /** The store's secret: it makes stable answers for unknown users. */
  readonly secret: Uint8Array
  signedIn(account: AccountId, name: string, peer: Peer): void
}

export interface SignIn {
  readonly authenticator: AccountAuthenticator
  readonly mechanisms: readonly SaslMechanism[]
}

export function openSignIn({ platform, settings, people, secret, signedIn }: Tools): SignIn {
  const { clock, random, files, log, httpClient } = platform
  const { auth, oauth, directory } = settings.config.now
  const authenticator = new AccountAuthenticator({
    directory: people.directory,
    clock,
    log,
    secret,
    options: settings.of('auth'),
    signedIn,
  })
  const hasTokens = oauth.jwks !== undefined || oauth.introspection !== undefined
  const mechanisms = saslMechanisms({
    random,
    // Clients that choose the strongest mechanism would fail for accounts whose password is in the external directory.
    scram: directory.source === 'store' || directory.scram ? authenticator : undefined,
    scramSha1: auth.scramSha1,
    scramPlus: auth.scramPlus,
    vouched: authenticator,
    tokens: hasTokens
      ? authenticator.guarded(new IssuerTokens({ options: oauth, clock, files, http: httpClient, log }))
      : undefined,
  })
  return { authenticator, mechanisms }
}
