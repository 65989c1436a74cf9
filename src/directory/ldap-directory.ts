/**
 * Users of an LDAP directory: looked up there, passwords checked by a bind. Their mail is in accounts of the store, created when first
 * needed. Accounts with a password in the store do not use the directory. RFC 4513 §5.1.
 */
import type { AccountId } from '../mail/ids.ts'
import type { Clock } from '../base/clock.ts'
import type { LdapServer } from '../base/ldap.ts'
import type { Log } from '../base/log.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import { canonicalTarget, type AddressEntry } from './aliases.ts'
import { shutOut, type Directory, type DirectoryAccount } from './directory.ts'
import type { DirectoryOptions } from './directory-options.ts'
import { HashQueue } from './hashing.ts'
import { LdapPeople, type LdapPerson, type Listed } from './ldap-people.ts'
import { passwordBytesMax } from './password.ts'
import type { ParsedScramKeys, ScramHash } from './scram-keys.ts'
import type { DirectoryRows, StoreDirectory } from './store-directory.ts'
import { WatchedLdapServer } from './watched-ldap.ts'

export interface LdapDirectoryTools {
  readonly server: LdapServer
  readonly options: DirectoryOptions
  readonly rows: DirectoryRows
  /** The directory of the store's own accounts. */
  readonly own: StoreDirectory
  readonly clock: Clock
  readonly log: Log
  /** Creates an account with its mailboxes, without a password. @returns its id. */
  makeAccount(name: string, quotaBytes: number): Promise<AccountId>
  setQuota(name: string, quotaBytes: number): Promise<void>
}

/** Enough for the largest group that is expanded in one step, and the targets of its members. */
const lookUpsMax = 3000

export class LdapDirectory implements Directory {
  readonly lookUpsMax = lookUpsMax
  readonly #tools: LdapDirectoryTools
  readonly #people: LdapPeople
  readonly #binds: HashQueue
  /** The LDAP user of each account that `find` returned. */
  readonly #found = new WeakMap<DirectoryAccount, LdapPerson>()
  readonly #settling = new Map<string, Promise<AccountId>>()
  readonly #server: WatchedLdapServer

  constructor(tools: LdapDirectoryTools) {
    const { options, rows, clock, log } = tools
    const server = new WatchedLdapServer(tools.server, log)
    this.#tools = tools
    this.#server = server
    this.#binds = new HashQueue(options.bindsMax)
    this.#people = new LdapPeople({
      server,
      options,
      clock,
      log,
      isLocalDomain: (domain) => rows.isLocalDomain(domain),
      isAccount: async (name) => (await rows.user(name)) !== undefined,
    })
  }

  /** The server did not answer the last request. */
  get away(): boolean {
    return this.#server.away
  }

  /** Requests only the base entry, to update `away`. */
  async probe(): Promise<void> {
    const base = this.#tools.options.base ?? ''
    await this.#server
      .search({ base, scope: 'base', filter: '(objectClass=*)', attributes: ['1.1'], entriesMax: 1 })
      .catch(() => {})
  }

  isLocalDomain(domain: string): boolean {
    return this.#tools.rows.isLocalDomain(domain)
  }

  /** Whether an account is the store's own, whatever the directory says. */
  async #isOwn(account: AccountId): Promise<boolean> {
    const { options, rows } = this.#tools
    return options.storePasswords && (await rows.credentials(account, 'argon2id')).length > 0
  }

  /** The account of that name, if it is the store's own. */
  async #own(name: string): Promise<DirectoryAccount | undefined> {
    const row = await this.#tools.rows.user(name)
    return row && (await this.#isOwn(row.id)) ? row : undefined
  }

  async find(name: string): Promise<DirectoryAccount | undefined> {
    const own = await this.#own(name)
    if (own) return own
    const at = name.lastIndexOf('@')
    if (name === '' || (at >= 0 && !this.isLocalDomain(name.slice(at + 1)))) return undefined
    const { person } = await this.#heard(name, status.authUnavailable)
    return person && this.#accountOf(person)
  }

  /** An account of the store takes precedence over an LDAP user of the same name: it may be a program's, or the operator's. */
  async #accountOf(person: LdapPerson): Promise<DirectoryAccount> {
    const row = await this.#tools.rows.user(person.name)
    if (row && (await this.#isOwn(row.id))) return row
    const account = {
      id: row?.id ?? (0 as AccountId),
      name: person.name,
      disabled: person.disabled || (row?.disabled ?? false),
      restriction: row?.restriction,
    }
    this.#found.set(account, person)
    return account
  }

  /**
   * Always costs a bind; for an unknown user, of an entry that does not exist. How long a server takes to refuse that is beyond our
   * control. The store's own accounts cost a hash instead, so by timing these few can be told from LDAP users.
   */
  async verify(
    account: DirectoryAccount | undefined,
    password: string,
    from: string,
    known: boolean,
  ): Promise<string | undefined> {
    const { own, options, clock } = this.#tools
    const person = account && this.#found.get(account)
    if (account && !person) return own.verify(account, password, from, known)
    // RFC 4513 §5.1.2: a bind without a password succeeds for any name, as anonymous.
    if (password === '' || Buffer.byteLength(password) > passwordBytesMax) return undefined
    const app = account && account.id !== 0 ? await own.verifyApp(account, password) : undefined
    if (app !== undefined) return app
    const dn = person?.dn ?? `cn=nobody,${options.base}`
    const bind = (): Promise<boolean> => this.#asked(() => this.#server.bind(dn, password), status.authUnavailable)
    const right = await this.#binds.run(from, bind, known)
    return right && person ? credentialOf(person, clock.monotonic() + options.passwordCacheTtlMs) : undefined
  }

  /** Until it expires, and only while the entry is unchanged. */
  async stands(account: DirectoryAccount, credential: string): Promise<boolean> {
    const person = this.#found.get(account)
    const match = person && bound.exec(credential)
    if (!match) return this.#tools.own.stands(account, credential)
    const untilMs = Number(match[1])
    return this.#tools.clock.monotonic() < untilMs && credential === credentialOf(person, untilMs)
  }

  /** Only for the store's own accounts: LDAP has no SCRAM keys. */
  async scramKeys(account: DirectoryAccount, hash: ScramHash): Promise<ParsedScramKeys | undefined> {
    return this.#found.has(account) ? undefined : this.#tools.own.scramKeys(account, hash)
  }

  async used(account: DirectoryAccount, credential: string): Promise<void> {
    if (!bound.test(credential)) await this.#tools.own.used(account, credential)
  }

  async settle(account: DirectoryAccount): Promise<DirectoryAccount> {
    const person = this.#found.get(account)
    return person ? { ...account, id: await this.#settle(person) } : account
  }

  /** The store's aliases and its own accounts come first: no address of these is asked for. */
  async lookUp(address: string): Promise<AddressEntry> {
    const targets = (await this.#tools.rows.alias(address))?.targets
    // Catch-alls only come from the store: one in the directory would be looked up for each spam.
    if (address.startsWith('@') || (targets && !targets.some((target) => canonicalTarget(target) === address)))
      return { targets }
    const own = await this.#own(address)
    if (own) return { account: own, targets }
    const heard = await this.#heard(address, status.directoryUnreachable)
    const account = heard.person && (await this.#receiving(heard.person))
    return { account, targets: targets ?? heard.targets }
  }

  /** The account of an LDAP user, made when it is first needed. */
  async #receiving(person: LdapPerson): Promise<DirectoryAccount> {
    const account = await this.#accountOf(person)
    // No account is created for a user who may not receive mail.
    return shutOut(account) !== undefined || !this.#found.has(account) ? account : this.settle(account)
  }

  /** Creates or updates the account of an LDAP user. Several messages may need it at the same time. */
  async #settle(person: LdapPerson): Promise<AccountId> {
    const row = await this.#tools.rows.user(person.name)
    const isSettled = row && (person.quotaBytes === undefined || person.quotaBytes === row.quotaBytes)
    if (isSettled) return row.id
    const under = this.#settling.get(person.name)
    if (under) return under
    const work = this.#make(person, row).finally(() => this.#settling.delete(person.name))
    this.#settling.set(person.name, work)
    return work
  }

  async #make({ name, quotaBytes = 0 }: LdapPerson, row: DirectoryAccount | undefined): Promise<AccountId> {
    const { makeAccount, setQuota, log } = this.#tools
    if (row) {
      await setQuota(name, quotaBytes)
      return row.id
    }
    const id = await makeAccount(name, quotaBytes)
    log.info('account created', { name, by: 'directory' })
    return id
  }

  #heard(address: string, otherwise: Status): Promise<Listed> {
    return this.#asked(() => this.#people.look(address), otherwise)
  }

  async #asked<T>(ask: () => Promise<T>, otherwise: Status): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      // Logged only if there was an answer, but an invalid one: a missing answer was logged before.
      if (!this.#server.away) this.#tools.log.warn('directory look-up failed', { error: String(error) })
      throw new Refusal(otherwise, { cause: error })
    }
  }
}

const bound = /^ldap (\d+(?:\.\d+)?) /

function credentialOf({ dn, changed }: LdapPerson, untilMs: number): string {
  return `ldap ${untilMs} ${changed} ${dn}`
}
