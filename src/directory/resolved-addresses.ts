/**
 * Addresses from an external directory, in addition to the store's rows. The directory is asked when a transaction names an address, and
 * the answers are kept for the transaction: at the end of data nothing is left to ask. docs/architecture.md §12a.
 */
import type { AccountId } from '../mail/ids.ts'
import { Refusal, status } from '../mail/status.ts'
import { expandAddress, expansionDepthMax, type AddressSource } from './aliases.ts'

type User = NonNullable<ReturnType<AddressSource['user']>>

/** The directory's answer about an address. */
export interface Heard {
  /** The account of the address; it may be disabled. */
  readonly account?: User
  /** All addresses of that account. */
  readonly addresses?: readonly string[]
  /** The targets of an alias. */
  readonly targets?: readonly string[]
}

export interface ExternalDirectory {
  /** Throws a Refusal without an answer. @param address canonical, of a local domain. */
  look(address: string): Promise<Heard>
  /** Whether an account is the store's own, whatever the directory says. */
  isOwn(account: AccountId): boolean
}

/** Addresses looked up for one recipient: enough for the largest group that is expanded in one step, and the targets of its members. */
const looksMax = 3000
/** How many of these at the same time, so that a large group leaves room for others. */
const looksAtATime = 32

/** The store's rows, overlaid with the directory's answers. */
export class ResolvedAddresses implements AddressSource {
  readonly #store: AddressSource
  readonly #external: ExternalDirectory
  readonly #resolved = new Map<string, Heard>()
  /** All addresses of accounts found so far: none of them has to be looked up. */
  readonly #people = new Map<string, User>()
  /** Addresses that an expansion needed and that were not looked up yet. */
  #missing = new Set<string>()

  constructor(store: AddressSource, external: ExternalDirectory) {
    this.#store = store
    this.#external = external
  }

  isLocalDomain(domain: string): boolean {
    return this.#store.isLocalDomain(domain)
  }

  user(name: string): User | undefined {
    return this.#own(name) ?? this.#listed(name)?.account ?? this.#people.get(name)
  }

  alias(address: string): { readonly targets: readonly string[] } | undefined {
    const own = this.#store.alias(address)
    // Catch-alls only come from the store: one in the directory would be looked up for each spam.
    if (own || address.startsWith('@') || this.#own(address)) return own
    const targets = this.#listed(address)?.targets
    return targets && { targets }
  }

  /** Looks up everything that the address expands to. Throws a Refusal if the directory does not answer. */
  async prefetch(localPart: string, domain: string, delimiter: string): Promise<void> {
    if (!this.isLocalDomain(domain)) return
    let looks = 0
    // Each round goes one alias deeper.
    for (let round = 0; round <= expansionDepthMax + 1; round++) {
      this.#missing.clear()
      expandAddress(this, localPart, domain, delimiter)
      if (this.#missing.size === 0) return
      looks += this.#missing.size
      if (looks > looksMax) break
      await this.#look([...this.#missing])
    }
    throw new Refusal(status.directoryUnreachable, { cause: new Error('the address leads too far') })
  }

  /** Looks up an account's addresses. */
  async learnAccount(name: string): Promise<void> {
    if (this.#own(name)) return
    await this.#look([name])
    const { account, addresses = [] } = this.#resolved.get(name)!
    if (account) for (const address of addresses) this.#people.set(address, account)
  }

  async #look(addresses: readonly string[]): Promise<void> {
    for (let at = 0; at < addresses.length; at += looksAtATime) {
      const some = addresses.slice(at, at + looksAtATime)
      const heard = await Promise.all(some.map((address) => this.#external.look(address)))
      some.forEach((address, i) => this.#resolved.set(address, heard[i]!))
    }
  }

  #own(name: string): User | undefined {
    const user = this.#store.user(name)
    return user && this.#external.isOwn(user.id) ? user : undefined
  }

  #listed(address: string): Heard | undefined {
    const heard = this.#resolved.get(address)
    if (!heard) this.#missing.add(address)
    return heard
  }
}
