/** Which accounts and addresses an address of ours stands for: account, user+detail, alias, catch-all. */
import type { AccountId } from '../mail/ids.ts'
import { Refusal, status } from '../mail/status.ts'

/** What an address of ours is: an account, an alias with targets, both or neither. */
export interface AddressEntry {
  readonly account?: { readonly id: AccountId; readonly name: string; readonly disabled: boolean } | undefined
  readonly targets?: readonly string[] | undefined
}

/** Where addresses are looked up: a `Directory`. */
export interface AddressSource {
  isLocalDomain(domain: string): boolean
  /**
   * @param address canonical, of a local domain; `@domain`: its catch-all.
   * Throws a Refusal if there is no answer now: that is never an unknown address.
   */
  lookUp(address: string): Promise<AddressEntry>
  /** How many of them one address may cost; beyond that it is as if there were no answer. Default: no limit but `expandedMax`. */
  readonly lookUpsMax?: number
}

/**
 * Limits of nested aliases, in depth and number: everything that one recipient expands to is written in one commit. A loop ends by
 * itself, since no address is expanded twice.
 */
export const expansionDepthMax = 10
export const expandedMax = 5000
/** Addresses looked up at the same time, so that a large group leaves room for others. */
const lookedUpAtATime = 32

export interface Expansion {
  readonly accounts: readonly { readonly id: AccountId; readonly name: string; readonly detail: string }[]
  /** Targets of aliases in other domains. */
  readonly remote: readonly string[]
  /** Accounts that exist but receive no mail now. */
  readonly disabled: readonly string[]
  /** Targets in local domains that do not exist: no copy is delivered there. */
  readonly missing: readonly string[]
  /** A limit was reached: recipients are missing, and the message must not be accepted. */
  readonly cut: boolean
}

/** An address as accounts and aliases are keyed: lower case, NFC. Local parts that differ in case only are one user here (RFC 5321 §2.4 leaves it to us). */
export function canonicalAddress(localPart: string, domain: string): string {
  return `${localPart.toLowerCase().normalize('NFC')}@${domain}`
}

/** The same of an address with its domain. */
export function canonicalTarget(target: string): string {
  const at = target.lastIndexOf('@')
  return canonicalAddress(target.slice(0, at), target.slice(at + 1))
}

/** An address on the way of an expansion. */
interface Visited {
  readonly localPart: string
  readonly domain: string
}

/** Its entry, of the address itself, of the one without detail, or of the catch-all. */
interface Found {
  readonly entry: AddressEntry
  /** The address that has the entry. */
  readonly candidate: string
  readonly detail: string
}

async function find(
  source: AddressSource,
  { localPart, domain }: Visited,
  delimiter: string,
): Promise<Found | undefined> {
  const address = canonicalAddress(localPart, domain)
  const entry = await source.lookUp(address)
  if (isKnown(entry)) return { entry, candidate: address, detail: '' }
  const mark = delimiter === '' ? -1 : localPart.indexOf(delimiter, 1)
  if (mark > 0) {
    const base = canonicalAddress(localPart.slice(0, mark), domain)
    const entry = await source.lookUp(base)
    if (isKnown(entry)) return { entry, candidate: base, detail: localPart.slice(mark + 1) }
  }
  const { targets } = await source.lookUp(`@${domain}`)
  return targets && { entry: { targets }, candidate: `@${domain}`, detail: '' }
}

function isKnown({ account, targets }: AddressEntry): boolean {
  return account !== undefined || targets !== undefined
}

/**
 * @param delimiter separates user and detail; '' for none.
 * @returns undefined if the address is unknown.
 */
export async function expandAddress(
  source: AddressSource,
  localPart: string,
  domain: string,
  delimiter = '+',
): Promise<Expansion | undefined> {
  // Most addresses are an account's own.
  if (source.isLocalDomain(domain)) {
    const { account, targets } = await source.lookUp(canonicalAddress(localPart, domain))
    if (account && !targets) return ofAccount(account)
  }
  const expanding = new Expanding(source)
  let level = expanding.visit([{ localPart, domain }])
  let lookUps = 0
  for (let depth = 0; level.length > 0; depth++) {
    const next: Visited[] = []
    lookUps += level.length
    if (lookUps > (source.lookUpsMax ?? Infinity))
      throw new Refusal(status.directoryUnreachable, { cause: new Error('the address leads too far') })
    for (let at = 0; at < level.length; at += lookedUpAtATime) {
      const some = level.slice(at, at + lookedUpAtATime)
      const found = await Promise.all(some.map((visited) => find(source, visited, delimiter)))
      found.forEach((one, i) => next.push(...expanding.take(some[i]!, one)))
    }
    if (depth === expansionDepthMax && next.length > 0) expanding.cut = true
    level = expanding.cut ? [] : expanding.visit(next)
  }
  return expanding.known || !source.isLocalDomain(domain) ? expanding.result() : undefined
}

function ofAccount({ id, name, disabled }: NonNullable<AddressEntry['account']>): Expansion {
  const accounts = disabled ? none : [{ id, name, detail: '' }]
  return { accounts, remote: none, disabled: disabled ? [name] : none, missing: none, cut: false }
}

const none: readonly never[] = []

/** What an expansion has found so far. */
class Expanding {
  known = false
  cut = false
  readonly #source: AddressSource
  readonly #seen = new Set<string>()
  readonly #accounts = new Map<AccountId, { id: AccountId; name: string; detail: string }>()
  readonly #remote = new Set<string>()
  readonly #disabled = new Set<string>()
  readonly #missing = new Set<string>()

  constructor(source: AddressSource) {
    this.#source = source
  }

  /** @returns those that have to be looked up: local ones that were not seen before. */
  visit(addresses: readonly Visited[]): Visited[] {
    return addresses.filter(({ localPart, domain }) => {
      const address = canonicalAddress(localPart, domain)
      if (this.#seen.has(address)) return false
      // The address itself is not one of its targets.
      if (this.#seen.size > expandedMax) this.cut = true
      if (this.cut) return false
      this.#seen.add(address)
      if (this.#source.isLocalDomain(domain)) return true
      this.#remote.add(`${localPart}@${domain}`)
      return false
    })
  }

  /** @returns the targets to follow. */
  take({ localPart, domain }: Visited, found: Found | undefined): readonly Visited[] {
    if (!found) {
      this.#missing.add(canonicalAddress(localPart, domain))
      return []
    }
    this.known = true
    const { entry, candidate } = found
    if (!entry.targets) {
      this.#add(found)
      return []
    }
    return entry.targets.flatMap((target) => {
      // "alice: alice, bob" keeps a copy in the account of that name.
      if (entry.account && canonicalTarget(target) === candidate) {
        this.#add(found)
        return []
      }
      const at = target.lastIndexOf('@')
      return [{ localPart: target.slice(0, at), domain: target.slice(at + 1) }]
    })
  }

  #add({ entry, detail }: Found): void {
    const { id, name, disabled } = entry.account!
    if (disabled) this.#disabled.add(name)
    else this.#accounts.set(id, { id, name, detail })
  }

  result(): Expansion {
    return {
      accounts: [...this.#accounts.values()],
      remote: [...this.#remote],
      disabled: [...this.#disabled],
      missing: [...this.#missing],
      cut: this.cut,
    }
  }
}

/** Whether an account may send as this address: its own name, its details, and aliases that lead to it. */
export async function maySendAs(
  source: AddressSource,
  account: string,
  localPart: string,
  domain: string,
  delimiter = '+',
): Promise<boolean> {
  if (!source.isLocalDomain(domain)) return false
  const address = canonicalAddress(localPart, domain)
  if (address === account) return true
  // A user who gets copies of an account's mail may not send as that account.
  const own = await source.lookUp(address)
  if (own.account) return own.account.name === account
  const mark = delimiter === '' ? -1 : localPart.indexOf(delimiter, 1)
  if (mark > 0 && !own.targets) {
    const base = await source.lookUp(canonicalAddress(localPart.slice(0, mark), domain))
    if (base.account) return base.account.name === account
  }
  // A catch-all matches every address; to send as an address it must be listed.
  const named: AddressSource = {
    isLocalDomain: (domain) => source.isLocalDomain(domain),
    lookUpsMax: source.lookUpsMax,
    lookUp: async (address) => (address.startsWith('@') ? {} : source.lookUp(address)),
  }
  const expansion = await expandAddress(named, localPart, domain, delimiter)
  return expansion?.accounts.some(({ name }) => name === account) ?? false
}
