/** Sign-in by password, SCRAM, certificate or token: throttled, logged, and equally slow for unknown users. */
import type { AccountId } from '../mail/ids.ts'
import { BoundedMap } from '../base/bounded-map.ts'
import type { Live } from '../base/live.ts'
import { createHmac, randomBytes } from 'node:crypto'
import { saslprep } from '@mongodb-js/saslprep'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Counter } from '../base/metrics.ts'
import type { Peer } from '../base/network.ts'
import { parseMailbox } from '../mail/address.ts'
import { canonicalAddress } from './aliases.ts'
import { credentialDigest } from './app-password.ts'
import { shutOut, type Directory, type DirectoryAccount } from './directory.ts'
import { passwordBytesMax } from './password.ts'
import { decoyScramKeys, type ParsedScramKeys, type ScramHash } from './scram-keys.ts'
import { prefixesOf } from './prefix.ts'
import { Throttle, type Admission, type ThrottleOptions } from './throttle.ts'
import type { TokenCheck, Verified } from './tokens.ts'

/** How long a checked password is remembered: mail clients sign in again and again. */
const passwordCacheMs = 600_000
const passwordCacheMax = 20_000
/** Characters of a failed name in the log: unauthenticated clients choose it. */
const nameLoggedMax = 80

export interface AuthenticatorTools {
  readonly directory: Directory
  readonly clock: Clock
  readonly log: Log
  /** Stays the same over restarts: the SCRAM salts of unknown users are derived from it. */
  readonly secret: Uint8Array
  readonly options: Live<ThrottleOptions>
  /** Called after each successful sign-in. */
  readonly signedIn?: (account: AccountId, name: string, peer: Peer) => void
}

interface SignedIn {
  readonly accountId: AccountId
  readonly name: string
  /** The digest of the credential that was used, see `credentialDigest`. */
  readonly credential?: string | undefined
}

/** How the client tried to sign in. */
type Way = 'password' | 'scram' | 'vouched'

/** Tokens as the mechanisms check them. */
export interface GuardedTokens {
  readonly hints: TokenCheck['hints']
  /** @param asked the account that the client wants; '' for the token's own. */
  verifyToken(token: string, asked: string, peer: Peer): Promise<Verified>
}

export class AccountAuthenticator {
  readonly #tools: AuthenticatorTools
  readonly #throttle: Throttle
  /** The cache's key exists only in this process: entries are useless without it. */
  readonly #cacheKey = randomBytes(32)
  readonly #cache = new BoundedMap<string, { readonly credential: string; readonly untilMs: number }>(passwordCacheMax)
  readonly signIns = new Counter(
    'pennypost_sign_ins',
    'Sign-ins by way and outcome; "refused": it had to wait for too many failures before.',
    'by',
    'outcome',
  )

  constructor(tools: AuthenticatorTools) {
    this.#tools = tools
    this.#throttle = new Throttle(tools.options, tools.clock)
  }

  async verifyPassword(user: string, password: string, peer: Peer): Promise<SignedIn | null> {
    const { directory } = this.#tools
    const name = canonicalName(user)
    const admission = await this.#admit(user, name, peer, 'password')
    const account = await directory.find(name)
    const cacheKey = this.#keyOf(name, password)
    const cached = account && !shutOut(account) && (await this.#cached(account, cacheKey))
    if (cached) return this.#succeeded(name, account, cached, peer, 'password')
    const tooLong = Buffer.byteLength(password) > passwordBytesMax
    // The same work for disabled accounts as for unknown users, or timing would reveal which exist.
    const checked = account && shutOut(account) ? undefined : account
    const credential = tooLong
      ? undefined
      : await directory.verify(checked, password, prefixesOf(peer.address).narrow, admission.known)
    this.#checkStill(admission, user, name, peer, 'password')
    if (!checked || credential === undefined) {
      const reason = !account ? 'no such account' : (shutOut(account) ?? 'wrong password')
      return this.#failed(user, name, peer, 'password', reason, password)
    }
    this.#remember(cacheKey, credential)
    return this.#succeeded(name, checked, credential, peer, 'password')
  }

  /** Always returns keys: for an unknown user, or one without keys, some that no password fits. */
  async scramAttempt(
    user: string,
    hash: ScramHash,
    peer: Peer,
  ): Promise<{ keys: ParsedScramKeys; finish(proved: boolean): Promise<SignedIn | null> }> {
    const { directory, secret } = this.#tools
    const name = canonicalName(user)
    const admission = await this.#admit(user, name, peer, 'scram')
    const account = await directory.find(name)
    const own = account && (await directory.scramKeys(account, hash))
    const keys = own ?? decoyScramKeys(secret, name, hash)
    return {
      keys,
      finish: async (proved) => {
        this.#checkStill(admission, user, name, peer, 'scram')
        // Meanwhile the account may have been disabled, or removed and made anew, or have another password.
        const now = await directory.find(name)
        const stillOwn = now && now.id === account?.id && (await directory.scramKeys(now, hash))
        const stands = stillOwn && own && Buffer.compare(stillOwn.storedKey, own.storedKey) === 0
        if (proved && stands && !shutOut(now)) return this.#succeeded(name, now, undefined, peer, 'scram')
        const reason = !now ? 'no such account' : !own ? 'no SCRAM keys' : (shutOut(now) ?? 'wrong password')
        return this.#failed(user, name, peer, 'scram', reason, undefined)
      },
    }
  }

  /**
   * Signs in the account of the addresses that a third party has vouched for.
   * @param asked the account that the client wants; '' if there is only one.
   */
  async signInVouched(addresses: readonly string[], asked: string, peer: Peer): Promise<SignedIn | null> {
    const names = [...new Set(addresses.map(canonicalName))]
    const wanted = asked === '' ? names : names.filter((name) => name === canonicalName(asked))
    const found: DirectoryAccount[] = []
    for (const name of wanted) {
      const account = await this.#tools.directory.find(name)
      if (account) found.push(account)
    }
    const [account, another] = found
    if (account && !another && !shutOut(account)) {
      const name = asked === '' ? account.name : canonicalName(asked)
      return this.#succeeded(name, account, undefined, peer, 'vouched')
    }
    const reason =
      wanted.length === 0
        ? 'not the address vouched for'
        : another
          ? 'more than one account'
          : ((account && shutOut(account)) ?? 'no such account')
    return this.#failed(asked === '' ? addresses.join(' ') : asked, undefined, peer, 'vouched', reason, undefined)
  }

  /** The same tokens, throttled: clients that guess have to wait as with passwords, and cause no requests to the issuer meanwhile. */
  guarded(tokens: TokenCheck): GuardedTokens {
    return {
      hints: tokens.hints,
      verifyToken: (token, asked, peer) => this.#verifyToken(tokens, token, asked, peer),
    }
  }

  async #verifyToken(tokens: TokenCheck, token: string, asked: string, peer: Peer): Promise<Verified> {
    // Without a name, each token counts as a name of its own: so one user's bad token does not delay other users behind the same
    // address, and trying a list of tokens looks to the throttle like trying a list of names.
    const name = asked === '' ? this.#keyOf('', token) : canonicalName(asked)
    const admission = await this.#admit(asked, name, peer, 'vouched')
    const verified = await tokens.verifyToken(token)
    this.#checkStill(admission, asked, name, peer, 'vouched')
    if ('fault' in verified) {
      const { fault, authentic } = verified
      const reason =
        fault === 'insufficient_scope' ? 'token for something else' : authentic ? 'old token' : 'wrong token'
      // Programs try an expired token until it is renewed: that is no guess.
      this.#failed(asked, authentic ? undefined : name, peer, 'vouched', reason, token)
    }
    return verified
  }

  async #admit(user: string, name: string, peer: Peer, by: Way): Promise<Admission> {
    try {
      return await this.#throttle.admit(peer.address, name)
    } catch (error) {
      this.#log('sign-in refused', user, peer, by, 'too many failures')
      throw error
    }
  }

  #checkStill(admission: Admission, user: string, name: string, peer: Peer, by: Way): void {
    try {
      this.#throttle.checkStill(peer.address, name, admission)
    } catch (error) {
      this.#log('sign-in refused', user, peer, by, 'too many failures')
      throw error
    }
  }

  /** @param asked the name as given: failures are counted under it, and an account may have several names. */
  async #succeeded(
    asked: string,
    account: DirectoryAccount,
    credential: string | undefined,
    peer: Peer,
    by: Way,
  ): Promise<SignedIn> {
    const { directory, log } = this.#tools
    this.signIns.of(by, 'succeeded').value++
    this.#tools.signedIn?.(account.id, account.name, peer)
    log.info('signed in', { peer: peer.address, port: peer.localPort, user: account.name, by })
    this.#throttle.succeeded(peer.address, asked)
    if (credential !== undefined) await directory.used?.(account, credential)
    const { id, name } = (await directory.settle?.(account)) ?? account
    return { accountId: id, name, ...(credential === undefined ? {} : { credential: credentialDigest(credential) }) }
  }

  /** @param name undefined if it was not a guess. */
  #failed(
    user: string,
    name: string | undefined,
    peer: Peer,
    by: Way,
    reason: string,
    password: string | undefined,
  ): null {
    if (name !== undefined) this.#throttle.failed(peer.address, name, password)
    this.#log('sign-in failed', user, peer, by, reason)
    return null
  }

  /** One line for tools that block addresses, such as fail2ban; docs/operator-guide.md promises its form. */
  #log(event: 'sign-in failed' | 'sign-in refused', user: string, peer: Peer, by: Way, reason: string): void {
    this.signIns.of(by, event === 'sign-in failed' ? 'failed' : 'refused').value++
    this.#tools.log.info(event, {
      peer: peer.address,
      port: peer.localPort,
      user: user.slice(0, nameLoggedMax),
      by,
      reason,
    })
  }

  async #cached(account: DirectoryAccount, key: string): Promise<string | undefined> {
    const known = this.#cache.get(key)
    if (!known || known.untilMs <= this.#tools.clock.monotonic()) return undefined
    // Only while that credential is still valid: a changed password ends it at once.
    return (await this.#tools.directory.stands(account, known.credential)) ? known.credential : undefined
  }

  #keyOf(name: string, password: string): string {
    return createHmac('sha256', this.#cacheKey).update(`${name.length}:${name}${password}`).digest('base64')
  }

  #remember(key: string, credential: string): void {
    this.#cache.set(key, { credential, untilMs: this.#tools.clock.monotonic() + passwordCacheMs })
  }
}

/**
 * A name in the form of account names. RFC 4013, with unassigned characters allowed, as in a query. Prohibited characters: no account has
 * such a name.
 */
export function canonicalName(user: string): string {
  let prepared: string
  try {
    prepared = saslprep(user, { allowUnassigned: true })
  } catch {
    return ''
  }
  const mailbox = parseMailbox(prepared)
  return mailbox ? canonicalAddress(mailbox.localPart, mailbox.domain) : prepared.toLowerCase()
}
