/** Looks up users and aliases by address in an LDAP directory, with caches of limited size. RFC 4511 §4.5. */
import { BoundedMap } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import type { LdapEntry, LdapServer } from '../base/ldap.ts'
import type { Log } from '../base/log.ts'
import { formatMailbox, parseMailbox } from '../mail/address.ts'
import { canonicalAddress, expandedMax } from './aliases.ts'
import type { DirectoryOptions } from './directory-options.ts'
import { addressFilter, fillFilter } from './ldap-filter.ts'

/** Existing addresses in the cache: some hundred bytes each. */
const foundMax = 20_000
/** Unknown addresses in the cache. Any sender chooses these, so they have a table of their own and cannot evict existing ones. */
const unknownMax = 10_000
/** Look-ups at the same time; with more the directory is too slow, and they are refused. */
const askingMax = 256
/** Entries for one alias: several groups may share an address. */
const aliasEntriesMax = 20

/** When the entry was last changed; maintained by every server. RFC 4512 §3.4.2. */
const changedAttribute = 'modifyTimestamp'

export interface LdapPerson {
  readonly dn: string
  /** The address that names the account. */
  readonly name: string
  /** All addresses of the user in local domains, `name` among them. */
  readonly addresses: readonly string[]
  readonly disabled: boolean
  /** undefined: not in the directory. */
  readonly quotaBytes: number | undefined
  /** Differs after a change of the entry, and so of the password; '' if we may not read it. */
  readonly changed: string
}

/** What an address is: a user, an alias with targets, both or neither. */
export interface Listed {
  readonly person?: LdapPerson
  readonly targets?: readonly string[]
}

export interface PeopleTools {
  readonly server: LdapServer
  readonly options: DirectoryOptions
  readonly clock: Clock
  readonly log: Log
  isLocalDomain(domain: string): boolean
  /** Whether there is an account of that name already. */
  isAccount(name: string): Promise<boolean>
}

interface Kept {
  readonly listed: Listed
  readonly untilMs: number
}

const nobody: Listed = {}

export class LdapPeople {
  readonly #tools: PeopleTools
  readonly #userFilter: string
  readonly #attributes: readonly string[]
  readonly #found = new BoundedMap<string, Kept>(foundMax)
  readonly #unknown = new BoundedMap<string, Kept>(unknownMax)
  readonly #asking = new Map<string, Promise<Listed>>()

  constructor(tools: PeopleTools) {
    this.#tools = tools
    const { userFilter, mailAttribute, alternateAttributes, quotaAttribute } = tools.options
    const addresses = [mailAttribute, ...alternateAttributes]
    this.#userFilter = userFilter ?? addressFilter(addresses)
    this.#attributes = [...addresses, changedAttribute, ...(quotaAttribute === undefined ? [] : [quotaAttribute])]
  }

  /**
   * @param address canonical; or a name without a domain, as at sign-in.
   * Throws if the directory does not answer, or its answer is invalid: that never counts as an unknown user.
   */
  async look(address: string): Promise<Listed> {
    const now = this.#tools.clock.monotonic()
    const kept = this.#found.get(address) ?? this.#unknown.get(address)
    if (kept && kept.untilMs > now) return kept.listed
    // One look-up serves all callers: a message to a thousand members of a group.
    const under = this.#asking.get(address)
    if (under) return under
    if (this.#asking.size >= askingMax) throw new Error('too many addresses are being looked up')
    const asked = this.#ask(address).finally(() => this.#asking.delete(address))
    this.#asking.set(address, asked)
    return asked
  }

  async #ask(address: string): Promise<Listed> {
    const { options, clock } = this.#tools
    const [person, targets] = await Promise.all([this.#person(address), this.#targets(address)])
    const listed = { ...(person ? { person } : {}), ...(targets ? { targets } : {}) }
    const isFound = person !== undefined || targets !== undefined
    const nowMs = clock.monotonic()
    this.#found.delete(address)
    this.#unknown.delete(address)
    if (isFound) this.#found.set(address, { listed, untilMs: nowMs + options.cacheTtlMs })
    else this.#unknown.set(address, { listed: nobody, untilMs: nowMs + options.negativeCacheTtlMs })
    return listed
  }

  async #person(address: string): Promise<LdapPerson | undefined> {
    const { server, options, log } = this.#tools
    const filter = fillFilter(this.#userFilter, address)
    const ask = (filter: string): Promise<readonly LdapEntry[]> =>
      server.search({ base: options.base!, scope: 'sub', filter, attributes: this.#attributes, entriesMax: 2 })
    const [entries, disabled] = await Promise.all([
      ask(filter),
      options.disabledFilter === undefined ? [] : ask(`(&${filter}${fillFilter(options.disabledFilter, address)})`),
    ])
    const [entry, another] = entries
    if (!entry) return undefined
    // It is unclear whose mail this is. The operator must decide; until then the sender keeps the message.
    if (another) throw new Error(`two entries have the address ${address}: ${entry.dn} and ${another.dn}`)
    const mail = this.#ours(entry, [options.mailAttribute])
    const alternates = this.#ours(entry, options.alternateAttributes)
    const name = await this.#nameOf(mail, alternates)
    if (name === undefined) {
      log.warn('directory entry has no address in a local domain', { dn: entry.dn })
      return undefined
    }
    return {
      dn: entry.dn,
      name,
      addresses: [...new Set([name, ...mail, ...alternates])],
      disabled: disabled.length > 0,
      quotaBytes: this.#quotaOf(entry),
      changed: valuesOf(entry, [changedAttribute])[0] ?? '',
    }
  }

  /**
   * The address that names the account. Values of an attribute have no order (RFC 4511 §4.1.7), so the choice does not depend on it: the
   * mail address that is an account already, else the alphabetically first. Alternates count only if there is no mail address; among them
   * an
   * existing account is not preferred, since it may be another user's.
   */
  async #nameOf(mail: readonly string[], alternates: readonly string[]): Promise<string | undefined> {
    const sorted = mail.toSorted()
    for (const name of sorted) if (await this.#tools.isAccount(name)) return name
    return sorted[0] ?? alternates.toSorted()[0]
  }

  #ours(entry: LdapEntry, attributes: readonly string[]): string[] {
    return valuesOf(entry, attributes).flatMap((value) => {
      const mailbox = mailboxOf(value)
      return mailbox && this.#tools.isLocalDomain(mailbox.domain)
        ? [canonicalAddress(mailbox.localPart, mailbox.domain)]
        : []
    })
  }

  #quotaOf(entry: LdapEntry): number | undefined {
    const { options, log } = this.#tools
    if (options.quotaAttribute === undefined) return undefined
    const [value] = valuesOf(entry, [options.quotaAttribute])
    if (value === undefined) return undefined
    const quotaBytes = parseQuota(value)
    if (quotaBytes === undefined) log.warn('directory entry has an invalid quota', { dn: entry.dn, value })
    return quotaBytes
  }

  async #targets(address: string): Promise<readonly string[] | undefined> {
    const { server, options } = this.#tools
    const { aliasFilter, aliasAttributes, memberAttributes } = options
    if (aliasFilter === undefined) return undefined
    const entries = await server.search({
      base: options.base!,
      scope: 'sub',
      filter: fillFilter(aliasFilter, address),
      attributes: [...aliasAttributes, ...memberAttributes],
      entriesMax: aliasEntriesMax + 1,
    })
    if (entries.length === 0) return undefined
    if (entries.length > aliasEntriesMax)
      throw new Error(`more than ${aliasEntriesMax} entries are the alias ${address}`)
    const domain = address.slice(address.lastIndexOf('@') + 1)
    const written = entries.flatMap((entry) => valuesOf(entry, aliasAttributes))
    const members = entries.flatMap((entry) => valuesOf(entry, memberAttributes))
    // Silently leaving members out would be worse than mail that waits.
    if (written.length + members.length > expandedMax)
      throw new Error(`${address} has more than ${expandedMax} members`)
    const found = await Promise.all(members.map((dn) => this.#addressOf(dn)))
    const targets = [
      // Values of `rfc822MailMember` and `memberUid` without a domain are in the group's own domain.
      ...written.map((value) => (value.includes('@') ? value : `${value}@${domain}`)),
      ...found.flatMap((value) => value ?? []),
    ].flatMap((value) => {
      const mailbox = mailboxOf(value)
      return mailbox ? [formatMailbox(mailbox)] : []
    })
    return [...new Set(targets)]
  }

  /** The mail address of a group's member; undefined if it has none, or no longer exists. */
  async #addressOf(dn: string): Promise<string | undefined> {
    const { server, options } = this.#tools
    const attributes = [options.mailAttribute]
    const question = { base: dn, scope: 'base', filter: '(objectClass=*)', attributes, entriesMax: 1 } as const
    const [entry] = await server.search(question)
    return entry && valuesOf(entry, attributes).toSorted()[0]
  }
}

function valuesOf(entry: LdapEntry, attributes: readonly string[]): string[] {
  return attributes.flatMap((attribute) => entry.values.get(attribute.toLowerCase()) ?? [])
}

/** Active Directory writes `smtp:user@domain` in proxyAddresses. */
function mailboxOf(value: string): ReturnType<typeof parseMailbox> {
  return parseMailbox(value.replace(/^smtp:/i, ''))
}

const quotaUnits: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 }

/** Bytes, or a number with K, M, G or T, with or without B; also `S` after bytes, as in Maildir++. undefined for anything else. */
export function parseQuota(value: string): number | undefined {
  const match = /^\s*(\d{1,15})\s*(?:([KMGT]?)i?B?|S)\s*$/i.exec(value)
  const bytes = match ? Number(match[1]) * quotaUnits[(match[2] ?? '').toUpperCase()]! : NaN
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
