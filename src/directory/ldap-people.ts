/** Who has an address, by an LDAP directory: people and aliases, remembered for a moment in bounded tables. RFC 4511 §4.5. */
import { BoundedMap } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import type { LdapEntry, LdapServer } from '../base/ldap.ts'
import type { Log } from '../base/log.ts'
import { formatMailbox, parseMailbox } from '../mail/address.ts'
import { canonicalAddress, expandedMax } from './aliases.ts'
import type { DirectoryOptions } from './directory-options.ts'
import { addressFilter, fillFilter } from './ldap-filter.ts'

/** Addresses remembered that somebody has: some hundred bytes each. */
const foundMax = 20_000
/** And that nobody has. Strangers choose these, so they have a table of their own and cannot push the others out. */
const unknownMax = 10_000
/** Addresses that are being looked up; more wait for nothing but a directory that is too slow. */
const askingMax = 256
/** Entries that one alias may have in the directory, as where several groups share an address. */
const aliasEntriesMax = 20

/** When the entry was changed last, as each server keeps it by itself. RFC 4512 §3.4.2. */
const changedAttribute = 'modifyTimestamp'

export interface LdapPerson {
  readonly dn: string
  /** The address that his account is kept under. */
  readonly name: string
  /** All of his that are ours, `name` among them. */
  readonly addresses: readonly string[]
  readonly disabled: boolean
  /** undefined: the directory says nothing of it. */
  readonly quotaBytes: number | undefined
  /** Differs once the entry was changed, his password with it; '' where we may not see it. */
  readonly changed: string
}

/** What stands behind an address: a person, addresses that it leads to, both or nothing. */
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
  isAccount(name: string): boolean
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
   * @param address canonical; or a name without a domain, as somebody may sign in with.
   * Throws when the directory cannot be asked, or answers what makes no sense: never taken for "nobody".
   */
  async look(address: string): Promise<Listed> {
    const now = this.#tools.clock.monotonic()
    const kept = this.#found.get(address) ?? this.#unknown.get(address)
    if (kept && kept.untilMs > now) return kept.listed
    // Many may ask for one address at a time: a message to a thousand of a group.
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
    // Whose mail would it be? Somebody has to decide, and until then it waits at its sender.
    if (another) throw new Error(`two entries have the address ${address}: ${entry.dn} and ${another.dn}`)
    const mail = this.#ours(entry, [options.mailAttribute])
    const alternates = this.#ours(entry, options.alternateAttributes)
    const name = this.#nameOf(mail, alternates)
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
   * Values of an attribute have no order (RFC 4511 §4.1.7), so it is found in a way that does not depend on it: his mail address that is an
   * account already, else the first by the alphabet. Alternates count only where there is no other, and are never somebody's old account.
   */
  #nameOf(mail: readonly string[], alternates: readonly string[]): string | undefined {
    const sorted = mail.toSorted()
    return sorted.find((name) => this.#tools.isAccount(name)) ?? sorted[0] ?? alternates.toSorted()[0]
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
    // Silently leaving somebody out would be worse than mail that waits.
    if (written.length + members.length > expandedMax)
      throw new Error(`${address} has more than ${expandedMax} members`)
    const found = await Promise.all(members.map((dn) => this.#addressOf(dn)))
    const targets = [
      // As `rfc822MailMember` and `memberUid` have them: without a domain they are neighbours.
      ...written.map((value) => (value.includes('@') ? value : `${value}@${domain}`)),
      ...found.flatMap((value) => value ?? []),
    ].flatMap((value) => {
      const mailbox = mailboxOf(value)
      return mailbox ? [formatMailbox(mailbox)] : []
    })
    return [...new Set(targets)]
  }

  /** The mail address of a group's member; undefined for one who has none, or is gone. */
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

/** Bytes, or a number with K, M, G or T, with or without B; `S` behind bytes is Maildir++'s. undefined for anything else. */
export function parseQuota(value: string): number | undefined {
  const match = /^\s*(\d{1,15})\s*(?:([KMGT]?)i?B?|S)\s*$/i.exec(value)
  const bytes = match ? Number(match[1]) * quotaUnits[(match[2] ?? '').toUpperCase()]! : NaN
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
