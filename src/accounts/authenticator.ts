/** Who may sign in: passwords checked in bounded numbers, remembered for a while, equally slow for users who do not exist. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Peer } from '../base/network.ts'
import { Refusal, status } from '../mail/status.ts'
import { checkPassword, hashPassword, passwordBytesMax } from './password.ts'

/** The rows that this room needs; the store has them. */
export interface CredentialSource {
  account(name: string): { readonly id: number; readonly name: string; readonly disabled: boolean } | undefined
  credentials(account: number, type: string): readonly { readonly name: string; readonly value: string }[]
}

/** Hashes at a time: they run on the pool that file reads share, so half of it stays free. */
const hashingMax = 2
/** Logins that wait for a hash; more are told to try again, or a storm would be served long after its clients gave up. */
const passwordQueueMax = 2000
/** How long a checked password is remembered: mail clients sign in again and again. */
const passwordCacheMs = 600_000
const passwordCacheMax = 20_000

export class PasswordAuthenticator {
  readonly #source: CredentialSource
  readonly #clock: Clock
  /** The cache's key dies with the process: its entries are useless to whoever reads memory later. */
  readonly #secret = randomBytes(32)
  readonly #cache = new Map<string, { readonly hash: string; readonly untilMs: number }>()
  #running = 0
  readonly #waiting: (() => void)[] = []
  #decoy: Promise<string> | undefined

  constructor(source: CredentialSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  async verifyPassword(
    user: string,
    password: string,
    _peer: Peer,
  ): Promise<{ accountId: number; name: string } | null> {
    const name = user.toLowerCase().normalize('NFC')
    const account = this.#source.account(name)
    const hashes = account
      ? [...this.#source.credentials(account.id, 'argon2id'), ...this.#source.credentials(account.id, 'app')]
      : []
    const key = this.#key(name, password)
    const known = this.#cache.get(key)
    if (account && !account.disabled && known && known.untilMs > this.#clock.monotonic()) {
      // Only as long as that very credential still stands: a changed password ends it at once.
      if (hashes.some(({ value }) => value === known.hash)) return { accountId: account.id, name: account.name }
    }
    if (Buffer.byteLength(password) > passwordBytesMax) return null
    if (!account || account.disabled || hashes.length === 0) {
      // The same work for users whom we do not have, or answers would tell who exists.
      this.#decoy ??= hashPassword(randomBytes(16).toString('hex'))
      const decoy = await this.#decoy
      await this.#bounded(() => checkPassword(decoy, password))
      return null
    }
    for (const { value } of hashes) {
      if (!(await this.#bounded(() => checkPassword(value, password)))) continue
      this.#remember(key, value)
      return { accountId: account.id, name: account.name }
    }
    return null
  }

  #key(name: string, password: string): string {
    return createHmac('sha256', this.#secret).update(`${name.length}:${name}${password}`).digest('base64')
  }

  #remember(key: string, hash: string): void {
    if (this.#cache.size >= passwordCacheMax) this.#cache.delete(this.#cache.keys().next().value!)
    this.#cache.set(key, { hash, untilMs: this.#clock.monotonic() + passwordCacheMs })
  }

  async #bounded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= hashingMax) {
      if (this.#waiting.length >= passwordQueueMax) throw new Refusal(status.authUnavailable)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#running++
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }
}
