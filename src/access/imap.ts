/** IMAP's backend on the store: names, errors and tables of one world in the words of the other. */
import type { ContentSink } from '../mail/content.ts'
import { flagsMax } from '../mail/flags.ts'
import type { SearchKey, UidRanges } from '../mail/search-key.ts'
import {
  ImapRefusal,
  type AppendContent,
  type AppendMessage,
  type CopyResult,
  type FetchNeed,
  type FetchRow,
  type ImapAccount,
  type ImapBackend,
  type ImapCode,
  type ImapMailboxInfo,
  type ImapMailboxStatus,
  type ImapSelected,
  type MessageTable,
} from '../protocol/imap/backend.ts'
import type { Authenticated } from '../protocol/sasl/authenticator.ts'
import { turn, type Clock } from '../base/clock.ts'
import { messageIndex } from '../delivery/arrival.ts'
import type { MailboxRole, MailboxRow } from '../store/entities.ts'
import type { Ranges } from '../store/operations.ts'
import {
  SearchCancelled,
  StoreFault,
  StoreRefusal,
  type Store,
  type StoredContent,
  type StoreRefusalCode,
} from '../store/store.ts'
import type { LiveTable } from '../store/table.ts'

const codes: Readonly<Record<StoreRefusalCode, ImapCode>> = {
  noSuchMailbox: 'NONEXISTENT',
  noSuchAccount: 'UNAVAILABLE',
  noSuchDomain: 'UNAVAILABLE',
  noSuchAlias: 'UNAVAILABLE',
  noSuchEntry: 'UNAVAILABLE',
  nameTaken: 'ALREADYEXISTS',
  nameBad: 'CANNOT',
  notAllowed: 'CANNOT',
  hasChildren: 'HASCHILDREN',
  overQuota: 'OVERQUOTA',
  tooManyMailboxes: 'LIMIT',
  tooManyKeywords: 'LIMIT',
  leaseLost: 'UNAVAILABLE',
  notReadable: 'UNAVAILABLE',
  searchTooLong: 'LIMIT',
}

function refusalOf(error: unknown): unknown {
  if (error instanceof StoreRefusal) return new ImapRefusal(codes[error.code], error.message)
  if (error instanceof StoreFault && error.full)
    return new ImapRefusal('UNAVAILABLE', 'No room on the disk, try again later')
  return error
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw refusalOf(error)
  }
}

/** RFC 6154 names of our roles; INBOX has none. */
const specialUses: Readonly<Partial<Record<MailboxRole, string>>> = {
  drafts: '\\Drafts',
  sent: '\\Sent',
  trash: '\\Trash',
  junk: '\\Junk',
  archive: '\\Archive',
  all: '\\All',
  flagged: '\\Flagged',
  important: '\\Important',
}

function roleOf(specialUse: string): MailboxRole {
  const found = Object.entries(specialUses).find(([, use]) => use.toLowerCase() === specialUse.toLowerCase())
  // \All and \Flagged are views of other mailboxes; we have none. RFC 6154 §2.
  if (!found || found[0] === 'all' || found[0] === 'flagged')
    throw new ImapRefusal('USEATTR', 'No mailbox can have that use')
  return found[0] as MailboxRole
}

const canonicalName = (name: string): string =>
  (/^inbox($|\/)/i.test(name) ? `INBOX${name.slice(5)}` : name).normalize('NFC')

export interface ImapTools {
  readonly store: Store
  readonly clock: Clock
  /** What APPEND takes, told in APPENDLIMIT. */
  readonly messageBytesMax: () => number
}

export class StoreImapBackend implements ImapBackend {
  readonly #tools: ImapTools

  constructor(tools: ImapTools) {
    this.#tools = tools
  }

  async open(user: Authenticated): Promise<ImapAccount> {
    return new Account(this.#tools, user.accountId)
  }
}

class Account implements ImapAccount {
  readonly namespaces = { personal: [{ prefix: '', delimiter: '/' }], otherUsers: [], shared: [] }
  readonly appendLimitBytes: number
  readonly #tools: ImapTools
  readonly #id: number

  constructor(tools: ImapTools, id: number) {
    this.#tools = tools
    this.#id = id
    this.appendLimitBytes = tools.messageBytesMax()
  }

  #mailbox(name: string, code: ImapCode = 'NONEXISTENT'): MailboxRow {
    const row = this.#tools.store.read.mailboxByName(this.#id, canonicalName(name))
    if (!row) throw new ImapRefusal(code, 'No such mailbox')
    return row
  }

  async list(): Promise<readonly ImapMailboxInfo[]> {
    const { read } = this.#tools.store
    const subscribed = new Set(read.subscriptions(this.#id))
    const rows = read.mailboxes(this.#id)
    const names = new Set(rows.map(({ name }) => name))
    const list: ImapMailboxInfo[] = rows.map(({ name, role }) => ({
      name,
      specialUse: role ? specialUses[role] : undefined,
      selectable: true,
      subscribed: subscribed.has(name),
    }))
    for (const name of subscribed) if (!names.has(name)) list.push({ name, selectable: false, subscribed: true })
    return list
  }

  async create(name: string, specialUse?: string): Promise<{ mailboxId: string }> {
    const role = specialUse === undefined ? undefined : roleOf(specialUse)
    const { store } = this.#tools
    // RFC 6154 §3: the use is what cannot be had, whatever the name.
    if (role && store.read.mailboxes(this.#id).some((row) => row.role === role))
      throw new ImapRefusal('USEATTR', 'Another mailbox has that use')
    const [{ id }] = await translated(store.commit([{ kind: 'mailboxCreate', account: this.#id, name, role }]))
    return { mailboxId: mailboxIdText(id) }
  }

  async delete(name: string): Promise<void> {
    const nowMs = this.#tools.clock.now()
    await translated(this.#tools.store.commit([{ kind: 'mailboxDelete', account: this.#id, name, nowMs }]))
  }

  async rename(from: string, to: string): Promise<void> {
    const nowMs = this.#tools.clock.now()
    await translated(this.#tools.store.commit([{ kind: 'mailboxRename', account: this.#id, from, to, nowMs }]))
  }

  async subscribe(name: string): Promise<void> {
    await translated(this.#tools.store.commit([{ kind: 'subscribe', account: this.#id, name, on: true }]))
  }

  async unsubscribe(name: string): Promise<void> {
    await translated(this.#tools.store.commit([{ kind: 'subscribe', account: this.#id, name, on: false }]))
  }

  async status(name: string, { recent }: { readonly recent: boolean }): Promise<ImapMailboxStatus> {
    const row = this.#mailbox(name)
    return {
      messages: row.messages,
      recent: recent ? await this.#recent(row) : 0,
      uidNext: row.uidNext,
      uidValidity: row.uidValidity,
      unseen: row.unseen,
      deleted: row.deleted,
      sizeBytes: row.sizeBytes,
      highestModSeq: row.highestModSeq,
      mailboxId: mailboxIdText(row.id),
    }
  }

  /** Messages that no read-write session has seen yet: none and all are told by the row, others are counted in pieces. */
  async #recent({ id, recentUid, uidNext, messages }: MailboxRow): Promise<number> {
    if (uidNext <= recentUid) return 0
    if (recentUid <= 1) return messages
    const { store, clock } = this.#tools
    let recent = 0
    for (let from: number | undefined = recentUid; ;) {
      const { count, next } = store.read.messagesFrom(id, from)
      recent += count
      if (next === undefined) return recent
      from = next
      await turn(clock)
    }
  }

  async select(name: string, options: { readOnly: boolean; onChange: () => void }): Promise<ImapSelected> {
    const row = this.#mailbox(name)
    const table = await translated(this.#tools.store.read.table(row.id))
    const selected = new Selected(this.#tools, this.#id, row, table, options.readOnly)
    await selected.begin()
    selected.follow(options.onChange)
    return selected
  }

  /** APPEND's mailbox: its id alone, which is remembered. */
  #target(name: string): number {
    const id = this.#tools.store.read.mailboxId(this.#id, canonicalName(name))
    if (id === undefined) throw new ImapRefusal('TRYCREATE', 'No such mailbox')
    return id
  }

  async checkAppend(name: string, sizeBytes: number): Promise<void> {
    this.#target(name)
    const { quotaBytes, usedBytes } = this.#tools.store.read.accountById(this.#id)!
    if (quotaBytes > 0 && usedBytes + sizeBytes > quotaBytes) throw new ImapRefusal('OVERQUOTA', 'The mailbox is full')
  }

  appendSink(): ContentSink<AppendContent> {
    return this.#tools.store.sink()
  }

  async append(
    name: string,
    messages: readonly AppendMessage[],
  ): Promise<{ uidValidity: number; uids: readonly number[] }> {
    try {
      return await this.#append(name, messages)
    } catch (error) {
      // All or none: what was taken in for it must not stay on the disk.
      for (const { content } of messages) (content as StoredContent).abort()
      throw refusalOf(error)
    }
  }

  async #append(
    name: string,
    messages: readonly AppendMessage[],
  ): Promise<{ uidValidity: number; uids: readonly number[] }> {
    const { store, clock } = this.#tools
    const mailbox = this.#target(name)
    const nowMs = clock.now()
    const operations = []
    for (const message of messages) {
      const content = message.content as StoredContent
      const { facts } = await messageIndex(store, content, new Uint8Array(0))
      operations.push({
        kind: 'append' as const,
        mailbox,
        content,
        facts,
        internalDate: message.internalDate ?? { epochMs: nowMs, offsetMinutes: 0 },
        savedAtMs: nowMs,
        flags: message.flags,
      })
    }
    const results = await store.commit(operations)
    return { uidValidity: results[0]!.uidValidity, uids: results.map(({ uid }) => uid) }
  }

  close(): void {}
}

/** RFC 8474 §4.1: object ids are opaque; the letter tells people which kind. */
function mailboxIdText(id: number): string {
  return `F${id.toString(36)}`
}

/** Indexes of UIDs in a table as ranges of UIDs: neighbours in the table become one range, whatever gaps their UIDs have. */
function rangesOf(table: MessageTable, uids: Uint32Array): Ranges {
  const ranges: [number, number][] = []
  let last: [number, number] | undefined
  let expected = -1
  let at = 0
  for (const uid of uids) {
    if (table.uids[at] !== uid) at = indexOf(table, uid, at)
    if (at >= table.count || table.uids[at] !== uid) continue
    if (last && at === expected) last[1] = uid
    else ranges.push((last = [uid, uid]))
    expected = ++at
  }
  return ranges
}

function indexOf(table: MessageTable, uid: number, from: number): number {
  let low = from
  let high = table.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (table.uids[middle]! < uid) low = middle + 1
    else high = middle
  }
  return low
}

/** The UIDs of a table within ranges. */
function uidsIn(table: MessageTable, ranges: Ranges): Uint32Array {
  const found: number[] = []
  for (const [first, last] of ranges) {
    for (let at = indexOf(table, first, 0); at < table.count && table.uids[at]! <= last; at++)
      found.push(table.uids[at]!)
  }
  return Uint32Array.from(found)
}

class Selected implements ImapSelected {
  readonly name: string
  readonly mailboxId: string
  readonly readOnly: boolean
  readonly uidValidity: number
  recentUid = 0
  readonly #tools: ImapTools
  readonly #account: number
  readonly #id: number
  readonly #table: LiveTable
  #stop: (() => void) | undefined
  readonly #ended = new AbortController()

  constructor(tools: ImapTools, account: number, row: MailboxRow, table: LiveTable, readOnly: boolean) {
    this.#tools = tools
    this.#account = account
    this.#id = row.id
    this.#table = table
    this.name = row.name
    this.mailboxId = mailboxIdText(row.id)
    this.readOnly = readOnly
    this.uidValidity = row.uidValidity
    this.recentUid = row.recentUid
  }

  /** The first read-write session to see messages has them as \Recent; nobody else. RFC 3501 §2.3.2. */
  async begin(): Promise<void> {
    this.recentUid = this.#table.recentUid
    if (this.readOnly || this.recentUid === this.#table.uidNext) return
    this.#table.claimRecent()
    await translated(this.#tools.store.commit([{ kind: 'claimRecent', mailbox: this.#id }]))
  }

  follow(onChange: () => void): void {
    this.#stop = this.#table.listen(onChange)
  }

  uidNext(): number {
    return this.#table.uidNext
  }

  highestModSeq(): number {
    return this.#table.highestModSeq
  }

  flagsModSeq(): number {
    return this.#table.flagsModSeq
  }

  claimRecent(): number {
    if (this.readOnly) return this.#table.recentUid
    const first = this.#table.claimRecent()
    // One claim for all sessions. Not waited for: losing it shows \Recent once more.
    if (first < this.#table.uidNext)
      this.#tools.store.commit([{ kind: 'claimRecent', mailbox: this.#id }]).catch(() => {})
    return first
  }

  table(): MessageTable {
    return this.#table.view()
  }

  flagNames(): readonly (string | undefined)[] {
    return this.#tools.store.read.flagNames(this.#account)
  }

  keywordsOpen(): boolean {
    return this.flagNames().length < flagsMax
  }

  get gone(): boolean {
    return this.#table.gone
  }

  async *fetch(uids: Uint32Array, need: FetchNeed): AsyncIterable<readonly FetchRow[]> {
    const facts = Boolean(need.internalDate || need.size || need.emailId || need.threadId || need.saveDate)
    for await (const page of this.#tools.store.read.rows(this.#id, uids, { ...need, facts })) {
      yield need.emailId || need.threadId
        ? page.map((row) => ({
            ...row,
            emailId: `M${row.emailId.toString(36)}`,
            threadId: `T${row.threadId.toString(36)}`,
          }))
        : (page as readonly unknown[] as readonly FetchRow[])
    }
  }

  async store(
    uids: Uint32Array,
    mode: 'add' | 'remove' | 'replace',
    flags: readonly string[],
    unchangedSince?: number,
  ): Promise<{ modSeq: number; changed: Uint32Array; failed: Uint32Array }> {
    const ranges = rangesOf(this.table(), uids)
    const [result] = await translated(
      this.#tools.store.commit([{ kind: 'flags', mailbox: this.#id, uids: ranges, mode, flags, unchangedSince }]),
    )
    return {
      modSeq: result.modSeq,
      changed: uidsIn(this.table(), result.changed),
      failed: Uint32Array.from(result.failed),
    }
  }

  async expunge(uids?: Uint32Array): Promise<{ expunged: Uint32Array; modSeq: number }> {
    const before = this.table()
    const [result] = await translated(
      this.#tools.store.commit([
        {
          kind: 'expunge',
          mailbox: this.#id,
          uids: uids && rangesOf(before, uids),
          nowMs: this.#tools.clock.now(),
        },
      ]),
    )
    return { expunged: uidsIn(before, result.expunged), modSeq: result.modSeq }
  }

  copy(uids: Uint32Array, target: string): Promise<CopyResult> {
    return this.#carry('copy', uids, target)
  }

  move(uids: Uint32Array, target: string): Promise<CopyResult> {
    return this.#carry('move', uids, target)
  }

  async #carry(kind: 'copy' | 'move', uids: Uint32Array, target: string): Promise<CopyResult> {
    const { store, clock } = this.#tools
    const row = store.read.mailboxByName(this.#account, canonicalName(target))
    if (!row) throw new ImapRefusal('TRYCREATE', 'No such mailbox')
    const ranges = rangesOf(this.table(), uids)
    const [result] = await translated(
      store.commit([{ kind, mailbox: this.#id, uids: ranges, target: row.id, nowMs: clock.now() }]),
    )
    const source = Uint32Array.from(result.source)
    return { uidValidity: result.uidValidity, source, target: source.map((_, i) => result.firstUid + i) }
  }

  search(key: SearchKey, within: UidRanges, still?: () => void): Promise<Uint32Array> {
    const work = this.#tools.store.read.search(this.#id, key, within, { signal: this.#ended.signal, still })
    return translated(work).catch((error: unknown) => {
      // The session is over: nothing is answered any more.
      if (error instanceof SearchCancelled) return new Uint32Array(0)
      throw error
    })
  }

  close(): void {
    this.#ended.abort()
    this.#stop?.()
    this.#table.release()
  }
}
