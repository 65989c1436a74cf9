/** Which mailboxes a LIST names, and with what attributes. RFC 3501 §6.3.8, RFC 5258, RFC 6154, RFC 3348. */
import type { ImapMailboxInfo } from './backend.ts'

export interface ListQuery {
  /** Reference and pattern joined. */
  readonly patterns: readonly string[]
  readonly selectSubscribed: boolean
  readonly selectRemote: boolean
  readonly selectSpecialUse: boolean
  readonly recursiveMatch: boolean
}

export interface ListedMailbox {
  readonly name: string
  readonly attributes: readonly string[]
  /** RFC 5258 §4: children that match the selection though the name itself does not. */
  readonly childInfo: boolean
  readonly selectable: boolean
}

/**
 * Matches a name against a pattern: `*` stands for anything, `%` for anything but the delimiter. RFC 3501 §6.3.8.
 * All ways are followed at once, so the cost is name × pattern whatever the wildcards.
 */
export function matchesPattern(name: string, pattern: string): boolean {
  const wildcard = pattern.search(/[*%]/)
  if (wildcard < 0) return name === pattern
  if (!name.startsWith(pattern.slice(0, wildcard))) return false
  // alive[i]: the pattern's first i characters match what was read of the name.
  let alive = new Uint8Array(pattern.length + 1)
  let next = new Uint8Array(pattern.length + 1)
  alive[0] = 1
  openWildcards(alive, pattern)
  for (let at = 0; at < name.length; at++) {
    next.fill(0)
    for (let i = 0; i < pattern.length; i++) {
      if (!alive[i]) continue
      const char = pattern[i]!
      if (char === '*' || (char === '%' && name[at] !== '/')) next[i] = 1
      else if (char === name[at]) next[i + 1] = 1
    }
    openWildcards(next, pattern)
    ;[alive, next] = [next, alive]
  }
  return alive[pattern.length] === 1
}

function openWildcards(alive: Uint8Array, pattern: string): void {
  for (let i = 0; i < pattern.length; i++) if (alive[i] && (pattern[i] === '*' || pattern[i] === '%')) alive[i + 1] = 1
}

/** INBOX is the same in any case, also in a pattern's beginning. RFC 3501 §5.1. */
export function canonicalPattern(pattern: string): string {
  return /^inbox(?=$|[/*%])/i.test(pattern) ? 'INBOX' + pattern.slice(5) : pattern
}

export function listMailboxes(all: readonly ImapMailboxInfo[], query: ListQuery): ListedMailbox[] {
  const exists = new Set<string>()
  for (const { name, selectable, subscribed } of all) if (selectable || !subscribed) exists.add(name)
  const parents = parentsOf(exists)
  // A subscribed name without a mailbox, but with children, is there all the same.
  for (const { name } of all) if (parents.has(name)) exists.add(name)
  const selected = all.filter(
    (info) =>
      (!query.selectSubscribed || info.subscribed) &&
      (!query.selectSpecialUse || info.specialUse !== undefined) &&
      // A subscribed name that no longer exists is listed only to those who ask for subscriptions.
      (query.selectSubscribed || exists.has(info.name)),
  )
  const selectedParents = query.recursiveMatch ? parentsOf(selected.map(({ name }) => name)) : undefined
  const chosen = new Set(selected)
  const known = new Map(all.map((info) => [info.name, info]))
  const found: ListedMailbox[] = []
  const matches = (name: string) => query.patterns.some((pattern) => matchesPattern(name, pattern))
  // A name is listed for the sake of a child that is not listed itself. RFC 5258 §3.5.
  const untold = selected.map(({ name }) => name).filter((name) => !matches(name))
  const untoldParents = query.recursiveMatch ? parentsOf(untold) : undefined
  for (const info of all) {
    const childInfo = selectedParents?.has(info.name) ?? false
    if ((!chosen.has(info) && !untoldParents?.has(info.name)) || !matches(info.name)) continue
    found.push(listed(info, exists.has(info.name), parents, childInfo))
  }
  // Parents that exist only in their children's names. RFC 3501 §6.3.8: \Noselect; RFC 5258 §3: \NonExistent.
  for (const name of query.recursiveMatch ? untoldParents! : query.selectSubscribed ? [] : parents) {
    if (known.has(name) || !matches(name)) continue
    const info = { name, selectable: false, subscribed: false }
    found.push(listed(info, false, parents, query.recursiveMatch))
  }
  return found.sort((a, b) => order(a.name, b.name))
}

function listed(
  info: ImapMailboxInfo,
  exists: boolean,
  parents: ReadonlySet<string>,
  childInfo: boolean,
): ListedMailbox {
  const attributes: string[] = []
  if (!info.selectable) attributes.push('\\Noselect')
  if (!exists) attributes.push('\\NonExistent')
  attributes.push(parents.has(info.name) ? '\\HasChildren' : '\\HasNoChildren')
  if (info.subscribed) attributes.push('\\Subscribed')
  if (info.specialUse) attributes.push(info.specialUse)
  return { name: info.name, attributes, childInfo, selectable: info.selectable }
}

function parentsOf(names: Iterable<string>): Set<string> {
  const parents = new Set<string>()
  for (const name of names)
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) parents.add(name.slice(0, at))
  return parents
}

/** INBOX first, then by code point: children directly behind their parents. */
function order(a: string, b: string): number {
  if (a === b) return 0
  if (a === 'INBOX') return -1
  if (b === 'INBOX') return 1
  const [x, y] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')]
  return x < y ? -1 : 1
}
