/**
 * Detects accounts that are probably compromised: they send to very many recipients, to many that do not exist, or sign in from many
 * networks. Counted over an hour, in memory; a restart begins anew.
 */
import type { AccountId } from '../mail/ids.ts'
import { BoundedMap } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../base/options/option.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import { prefixesOf } from './prefix.ts'

export const accountWatchOptions = table({
  action: option(
    kinds.choice('off', 'note', 'hold'),
    'hold',
    'What to do when an account exceeds a limit below. "hold": its outgoing mail is held in the queue until "pennypost account unlock"; signing in, reading and incoming mail continue. "note": nothing is held. In both cases the log, the metrics and the postmaster of its domain are told, once a day. "off": nothing is counted.',
  ),
  recipientsPerHour: option(
    kinds.count(1, 1_000_000),
    500,
    'Recipients that an account may write to in an hour. A person writes to some dozens a day, a stolen account to thousands an hour.',
  ),
  unknownPerHour: option(
    kinds.count(1, 1_000_000),
    50,
    'Recipients per hour that do not exist, according to us or to their hosts (5.1.x). Bought address lists have many, address books few.',
  ),
  networksPerHour: option(
    kinds.count(1, 10_000),
    15,
    'Networks (/24, IPv6 /48) from which an account may sign in within an hour. Phones change between a few, botnets between hundreds.',
  ),
  exempt: option(
    kinds.list(mailKinds.accountOrDomain),
    [],
    'Accounts that are not watched, or "@example.org" for a whole domain: newsletters, programs.',
    ['news@example.org'],
  ),
})

export type AccountWatchOptions = ValuesOf<typeof accountWatchOptions>
export const accountWatchDefaults: AccountWatchOptions = defaultsOf(accountWatchOptions)

export type Suspicion = 'recipients' | 'unknown recipients' | 'networks'

export interface Suspected {
  readonly account: AccountId
  readonly name: string
  readonly reason: Suspicion
  /** The number within the hour. */
  readonly count: number
}

/** The interface for `delivery/` and `queue/`. */
export interface AccountGuard {
  /** A message of the account to so many recipients is about to be accepted. @returns whether it is held. */
  sends(account: AccountId, name: string, recipients: number): Promise<boolean>
  /** A recipient of the account's mail does not exist. Never rejects. */
  unknown(account: AccountId): Promise<void>
}

/** Accounts that are counted; with more, the oldest entry is dropped. */
const accountsMax = 20_000
const hourMs = 3_600_000
/** An account is reported at most once in this time. */
const toldAgainMs = 24 * hourMs

interface Watched {
  sinceMs: number
  recipients: number
  unknown: number
  readonly networks: Set<string>
  toldMs: number
}

export class AccountWatch {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #options: () => AccountWatchOptions
  readonly #suspected: (one: Suspected) => void
  readonly #accounts = new BoundedMap<AccountId, Watched>(accountsMax)

  /** @param suspected called at most once a day for each account. */
  constructor(tools: {
    readonly clock: Pick<Clock, 'monotonic'>
    readonly options: () => AccountWatchOptions
    readonly suspected: (one: Suspected) => void
  }) {
    this.#clock = tools.clock
    this.#options = tools.options
    this.#suspected = tools.suspected
  }

  /** The account is about to send to so many recipients. @returns whether that exceeds the limit. */
  sends(account: AccountId, name: string, recipients: number): boolean {
    return this.#count(account, name, 'recipients', (watched) => (watched.recipients += recipients))
  }

  /** A next hop, or we, refused a recipient of its mail as unknown. */
  unknown(account: AccountId, name: string): void {
    this.#count(account, name, 'unknown recipients', (watched) => ++watched.unknown)
  }

  signedIn(account: AccountId, name: string, address: string): void {
    this.#count(account, name, 'networks', ({ networks }) => {
      const { networksPerHour } = this.#options()
      if (networks.size <= networksPerHour) networks.add(prefixesOf(address).wide)
      return networks.size
    })
  }

  /** The operator has dealt with it. */
  forget(account: AccountId): void {
    this.#accounts.delete(account)
  }

  #count(account: AccountId, name: string, reason: Suspicion, add: (watched: Watched) => number): boolean {
    const options = this.#options()
    if (options.action === 'off' || isExempt(name, options.exempt)) return false
    const watched = this.#of(account)
    const count = add(watched)
    if (count <= limitOf(options, reason)) return false
    const nowMs = this.#clock.monotonic()
    if (nowMs - watched.toldMs >= toldAgainMs) {
      watched.toldMs = nowMs
      this.#suspected({ account, name, reason, count })
    }
    return true
  }

  #of(account: AccountId): Watched {
    const nowMs = this.#clock.monotonic()
    const known = this.#accounts.get(account)
    if (known && nowMs - known.sinceMs < hourMs) return known
    const fresh: Watched = {
      sinceMs: nowMs,
      recipients: 0,
      unknown: 0,
      networks: new Set(),
      toldMs: known?.toldMs ?? -Infinity,
    }
    this.#accounts.set(account, fresh)
    return fresh
  }
}

function limitOf(options: AccountWatchOptions, reason: Suspicion): number {
  switch (reason) {
    case 'recipients':
      return options.recipientsPerHour
    case 'unknown recipients':
      return options.unknownPerHour
    case 'networks':
      return options.networksPerHour
  }
}

function isExempt(name: string, exempt: readonly string[]): boolean {
  return exempt.some((one) => (one.startsWith('@') ? name.endsWith(one) : name === one))
}
