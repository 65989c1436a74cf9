/** Which accounts and addresses an address of ours stands for: account, user+detail, alias, catch-all. */
import type { AccountId } from '../mail/ids.ts'

/** The rows that this room needs; the store has them. */
export interface AddressSource {
  isLocalDomain(domain: string): boolean
  user(name: string): { readonly id: AccountId; readonly name: string; readonly disabled: boolean } | undefined
  alias(address: string): { readonly targets: readonly string[] } | undefined
}

/**
 * Limits of nested aliases, in depth and number: everything that one recipient expands to is written in one commit. A loop ends by
 * itself, since no address is expanded twice.
 */
export const expansionDepthMax = 10
export const expandedMax = 5000

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

function canonicalTarget(target: string): string {
  const at = target.lastIndexOf('@')
  return canonicalAddress(target.slice(0, at), target.slice(at + 1))
}

/**
 * @param delimiter separates user and detail; '' for none.
 * @returns undefined if the address is unknown.
 */
export function expandAddress(
  source: AddressSource,
  localPart: string,
  domain: string,
  delimiter = '+',
): Expansion | undefined {
  const accounts = new Map<AccountId, { id: AccountId; name: string; detail: string }>()
  const remote = new Set<string>()
  const disabled = new Set<string>()
  const seen = new Set<string>()
  const missing = new Set<string>()
  let known = false
  let cut = false

  const take = (name: string, detail: string): boolean => {
    const account = source.user(name)
    if (!account) return false
    known = true
    if (account.disabled) disabled.add(account.name)
    else accounts.set(account.id, { id: account.id, name: account.name, detail })
    return true
  }

  const visit = (local: string, at: string, depth: number): void => {
    const address = canonicalAddress(local, at)
    if (seen.has(address)) return
    // The address itself is not one of its targets.
    if (seen.size > expandedMax || depth > expansionDepthMax) {
      cut = true
      return
    }
    seen.add(address)
    if (!source.isLocalDomain(at)) {
      remote.add(`${local}@${at}`)
      return
    }
    const mark = delimiter === '' ? -1 : local.indexOf(delimiter, 1)
    const base = mark > 0 ? canonicalAddress(local.slice(0, mark), at) : undefined
    const detail = (candidate: string): string => (candidate === base ? local.slice(mark + 1) : '')
    for (const candidate of base === undefined ? [address] : [address, base]) {
      const alias = source.alias(candidate)
      if (alias) {
        known = true
        for (const target of alias.targets) {
          // "alice: alice, bob" keeps a copy in the account of that name.
          if (canonicalTarget(target) !== candidate || !take(candidate, detail(candidate))) follow(target, depth)
        }
        return
      }
      if (take(candidate, detail(candidate))) return
    }
    const catchAll = source.alias(`@${at}`)
    if (!catchAll) {
      missing.add(address)
      return
    }
    known = true
    for (const target of catchAll.targets) follow(target, depth)
  }

  const follow = (target: string, depth: number): void => {
    const at = target.lastIndexOf('@')
    visit(target.slice(0, at), target.slice(at + 1), depth + 1)
  }

  visit(localPart, domain, 0)
  if (!known && source.isLocalDomain(domain)) return undefined
  return { accounts: [...accounts.values()], remote: [...remote], disabled: [...disabled], missing: [...missing], cut }
}

/** Whether an account may send as this address: its own name, its details, and aliases that lead to it. */
export function maySendAs(
  source: AddressSource,
  account: string,
  localPart: string,
  domain: string,
  delimiter = '+',
): boolean {
  if (!source.isLocalDomain(domain)) return false
  const address = canonicalAddress(localPart, domain)
  if (address === account) return true
  // A user who gets copies of an account's mail may not send as that account.
  const own = source.user(address)
  if (own) return own.name === account
  const mark = delimiter === '' ? -1 : localPart.indexOf(delimiter, 1)
  const base = mark > 0 ? canonicalAddress(localPart.slice(0, mark), domain) : undefined
  const detailed = base === undefined || source.alias(address) ? undefined : source.user(base)
  if (detailed) return detailed.name === account
  // A catch-all matches every address; to send as an address it must be listed.
  const named: AddressSource = {
    ...bind(source),
    alias: (address) => (address.startsWith('@') ? undefined : source.alias(address)),
  }
  const expansion = expandAddress(named, localPart, domain, delimiter)
  return expansion?.accounts.some(({ name }) => name === account) ?? false
}

function bind(source: AddressSource): AddressSource {
  return {
    isLocalDomain: (domain) => source.isLocalDomain(domain),
    user: (name) => source.user(name),
    alias: (address) => source.alias(address),
  }
}
