/**
 * Notices an account that somebody else seems to use: it sends to very many, to many who do not exist, or signs in from many networks. Counted
 * over an hour, in memory; a restart begins anew.
 */
import { BoundedMap } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { prefixesOf } from './prefix.ts'

export interface AccountWatchOptions {
  /** Nothing is counted with "off"; "note" tells, "hold" also keeps what the account sends in the queue. */
  readonly action: 'off' | 'note' | 'hold'
  /** Recipients that an account may write to in an hour. */
  readonly recipientsPerHour: number
  /** Recipients of those that do not exist. */
  readonly unknownPerHour: number
  /** Networks (/24, /48) from which it may sign in. */
  readonly networksPerHour: number
  /** Accounts, or `@domain`, that are not watched: newsletters, programs. */
  readonly exempt: readonly string[]
}

export const accountWatchDefaults: AccountWatchOptions = {
  action: 'hold',
  recipientsPerHour: 500,
  unknownPerHour: 50,
  networksPerHour: 15,
  exempt: [],
}

export type Suspicion = 'recipients' | 'unknown recipients' | 'networks'

export interface Suspected {
  readonly account: number
  readonly name: string
  readonly reason: Suspicion
  /** How many there were in the hour. */
  readonly count: number
}

/** As the rooms of transfer see it. */
export interface AccountGuard {
  /** A message of the account to so many is about to be accepted. @returns whether it is held. */
  sends(account: number, name: string, recipients: number): boolean
  /** A recipient of the account's mail does not exist. */
  unknown(account: number): void
}

/** Accounts that are counted; beyond, the one that was heard of first begins anew. */
const accountsMax = 20_000
const hourMs = 3_600_000
/** It is told of once in so long, however much goes on. */
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
  readonly #accounts = new BoundedMap<number, Watched>(accountsMax)

  /** @param suspected told once, until a day later. */
  constructor(tools: {
    readonly clock: Pick<Clock, 'monotonic'>
    readonly options: () => AccountWatchOptions
    readonly suspected: (one: Suspected) => void
  }) {
    this.#clock = tools.clock
    this.#options = tools.options
    this.#suspected = tools.suspected
  }

  /** It is about to send a message to so many. @returns whether that is more than it may. */
  sends(account: number, name: string, recipients: number): boolean {
    return this.#count(account, name, 'recipients', (watched) => (watched.recipients += recipients))
  }

  /** A host, or we, said that a recipient of its mail does not exist. */
  unknown(account: number, name: string): void {
    this.#count(account, name, 'unknown recipients', (watched) => ++watched.unknown)
  }

  signedIn(account: number, name: string, address: string): void {
    this.#count(account, name, 'networks', ({ networks }) => {
      const { networksPerHour } = this.#options()
      if (networks.size <= networksPerHour) networks.add(prefixesOf(address).wide)
      return networks.size
    })
  }

  /** The operator has looked at it. */
  forget(account: number): void {
    this.#accounts.delete(account)
  }

  #count(account: number, name: string, reason: Suspicion, add: (watched: Watched) => number): boolean {
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

  #of(account: number): Watched {
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
