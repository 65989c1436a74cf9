/** Domains, accounts, aliases and mailboxes as the directory has them, remembered until it changes: a delivery asks for them each time. */
import type { AccountId } from '../../mail/ids.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Alias, User } from '../entities.ts'

/** Addresses in the cache, unknown ones too: the oldest are dropped first, so that probing cannot fill the memory. */
const addressesMax = 50_000
const accountsMax = 5000

/** What is read where it is not remembered. */
export interface DirectoryRows {
  domains(): readonly string[]
  user(name: string): User | undefined
  alias(address: string): Alias | undefined
  mailboxId(account: AccountId, name: string): number | undefined
}

export class RememberedDirectory {
  readonly #rows: DirectoryRows
  #domains: { readonly names: readonly string[]; readonly set: ReadonlySet<string> } | undefined
  readonly #users = new BoundedMap<string, User | undefined>(addressesMax)
  readonly #aliases = new BoundedMap<string, Alias | undefined>(addressesMax)
  readonly #mailboxIds = new BoundedMap<AccountId, BoundedMap<string, number | undefined>>(accountsMax)

  constructor(rows: DirectoryRows) {
    this.#rows = rows
  }

  /** The directory changed: it is read again. */
  forget(): void {
    this.#domains = undefined
    this.#users.clear()
    this.#aliases.clear()
    this.#mailboxIds.clear()
  }

  /** Mailboxes of an account were made, renamed or deleted. */
  forgetMailboxes(account: AccountId): void {
    this.#mailboxIds.delete(account)
  }

  #domainNames(): { readonly names: readonly string[]; readonly set: ReadonlySet<string> } {
    if (this.#domains) return this.#domains
    const names = this.#rows.domains()
    return (this.#domains = { names, set: new Set(names) })
  }

  domains(): readonly string[] {
    return this.#domainNames().names
  }

  isLocalDomain(domain: string): boolean {
    return this.#domainNames().set.has(domain)
  }

  user(name: string): User | undefined {
    return remembered(this.#users, name, () => this.#rows.user(name))
  }

  alias(address: string): Alias | undefined {
    return remembered(this.#aliases, address, () => this.#rows.alias(address))
  }

  mailboxId(account: AccountId, name: string): number | undefined {
    let ids = this.#mailboxIds.get(account)
    if (!ids) this.#mailboxIds.set(account, (ids = new BoundedMap(addressesMax)))
    return remembered(ids, name, () => this.#rows.mailboxId(account, name))
  }
}

function remembered<Key, Value>(
  cache: Map<Key, Value | undefined>,
  key: Key,
  read: () => Value | undefined,
): Value | undefined {
  const known = cache.get(key)
  if (known !== undefined || cache.has(key)) return known
  const value = read()
  cache.set(key, value)
  return value
}
