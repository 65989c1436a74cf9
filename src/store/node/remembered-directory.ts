/** Domains, accounts, aliases and mailboxes as the directory has them, remembered until it changes: a delivery asks for them each time. */
import { BoundedMap } from '../../base/bounded-map.ts'
import type { AccountId } from '../../mail/ids.ts'
import type { DomainChange } from '../changes.ts'
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

  /** Of the newest change that is known. */
  #version: number
  /** Set while the domains are read, because a change was missed. */
  #reading: Promise<void> | undefined

  /** @param domains as the rows have them, at `version` or later. */
  constructor(rows: EngineRows, version: number, domains: readonly string[]) {
    this.#rows = rows
    this.#version = version
    this.#domains = new Set(domains)
  }

  /** News of the directory. What is old says nothing; where a change before it was missed, the domains are read. */
  changed(version: number, domain?: DomainChange): void {
    if (version <= this.#version) return
    const isNext = version === this.#version + 1
    this.#version = version
    this.forget()
    if (!isNext) this.#readDomains()
    else if (domain) this.#setDomain(domain)
  }

  /** Resolves when the domains are those of the newest change; undefined: they are. */
  settled(): Promise<void> | undefined {
    return this.#reading
  }

  /** The version of the rows, if it is newer than what is known. */
  async newer(): Promise<number | undefined> {
    const version = await this.#rows.directoryVersion()
    return version > this.#version ? version : undefined
  }

  #readDomains(): void {
    const read = async (): Promise<void> => {
      for (let version = 0; version !== this.#version;) {
        version = this.#version
        const names = await this.#rows.domains()
        this.#domains.clear()
        for (const name of names) this.#domains.add(name)
        this.#domainNames = undefined
      }
    }
    // If they cannot be read, the next change and `check` find the version missing.
    this.#reading ??= read()
      .catch(() => void (this.#version = 0))
      .finally(() => (this.#reading = undefined))
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

  /** Mailboxes of accounts that are not followed: their changes may have been missed. */
  forgetMailboxIds(): void {
    this.#mailboxIds.clear()
  }

  #setDomain({ name, isLocal }: DomainChange): void {
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
