/** Domains, accounts, aliases and mailboxes as the directory has them, remembered until it changes: a delivery asks for them each time. */
import { BoundedMap } from '../../base/bounded-map.ts'
import type { AccountId } from '../../mail/ids.ts'
import type { EngineRows } from '../engine.ts'
import type { AddressRows, Alias, User } from '../entities.ts'

/** Addresses in the cache, unknown ones too: the oldest are dropped first, so that probing cannot fill the memory. */
const addressesMax = 50_000
const accountsMax = 5000

export class RememberedDirectory {
  readonly #rows: EngineRows
  readonly #domains: Set<string>
  /** Of `#domains`, sorted; made when it is asked for. */
  #domainNames: readonly string[] | undefined
  readonly #users = new Remembered<string, User>()
  readonly #aliases = new Remembered<string, Alias>()
  readonly #mailboxIds = new BoundedMap<AccountId, Remembered<string, number>>(accountsMax)

  /** @param domains as the rows have them. */
  constructor(rows: EngineRows, domains: readonly string[]) {
    this.#rows = rows
    this.#domains = new Set(domains)
  }

  /** The directory changed: it is read again. */
  forget(): void {
    this.#users.forget()
    this.#aliases.forget()
    this.#mailboxIds.clear()
  }

  /** Mailboxes of an account were made, renamed or deleted. */
  forgetMailboxes(account: AccountId): void {
    this.#mailboxIds.delete(account)
  }

  setDomain(name: string, isLocal: boolean): void {
    if (isLocal) this.#domains.add(name)
    else this.#domains.delete(name)
    this.#domainNames = undefined
  }

  domains(): readonly string[] {
    return (this.#domainNames ??= [...this.#domains].sort())
  }

  isLocalDomain(domain: string): boolean {
    return this.#domains.has(domain)
  }

  user(name: string): Promise<User | undefined> {
    return this.#users.get(name, () => this.#rows.user(name))
  }

  alias(address: string): Promise<Alias | undefined> {
    return this.#aliases.get(address, () => this.#rows.alias(address))
  }

  async address(address: string): Promise<AddressRows> {
    if (this.#users.has(address) && this.#aliases.has(address))
      return { account: this.#users.known(address), targets: this.#aliases.known(address)?.targets }
    const rows = this.#rows.address(address)
    const [account, alias] = await Promise.all([
      this.#users.get(address, () => rows.then((found) => found.account)),
      this.#aliases.get(address, () =>
        rows.then(({ targets }) => (targets === undefined ? undefined : { address, targets })),
      ),
    ])
    return { account, targets: alias?.targets }
  }

  mailboxId(account: AccountId, name: string): Promise<number | undefined> {
    let ids = this.#mailboxIds.get(account)
    if (!ids) this.#mailboxIds.set(account, (ids = new Remembered()))
    return ids.get(name, () => this.#rows.mailboxId(account, name))
  }
}

/** Values by key, `undefined` too. What is read while everything is forgotten is answered, and not kept: it may be of before. */
class Remembered<Key, Value> {
  readonly #known = new BoundedMap<Key, Value | undefined>(addressesMax)
  #forgotten = 0

  has(key: Key): boolean {
    return this.#known.has(key)
  }

  known(key: Key): Value | undefined {
    return this.#known.get(key)
  }

  async get(key: Key, read: () => Promise<Value | undefined>): Promise<Value | undefined> {
    const known = this.#known.get(key)
    if (known !== undefined || this.#known.has(key)) return known
    const forgotten = this.#forgotten
    const value = await read()
    if (forgotten === this.#forgotten) this.#known.set(key, value)
    return value
  }

  forget(): void {
    this.#known.clear()
    this.#forgotten++
  }
}
