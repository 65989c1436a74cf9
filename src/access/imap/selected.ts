/** A selected mailbox: its table in memory, its messages in the store. RFC 9051 §6.4. */
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import { flagsMax } from '../../mail/flags.ts'
import { canonicalMailboxName } from '../../mail/mailbox-name.ts'
import type { SearchKey, UidRanges } from '../../mail/search-key.ts'
import {
  ImapRefusal,
  type CopyResult,
  type FetchNeed,
  type FetchPages,
  type FetchRow,
  type ImapSelected,
  type MessageTable,
} from '../../protocol/imap/backend.ts'
import type { MailboxRow } from '../../store/entities.ts'
import { SearchCancelled, type MessageRow } from '../../store/store.ts'
import type { LiveTable } from '../../store/table.ts'
import { translated } from './refusals.ts'
import { mailboxIdText, type ImapTools } from './tools.ts'
import { rangesOf, uidsIn } from './uid-ranges.ts'

export class StoreImapSelected implements ImapSelected {
  readonly name: string
  readonly mailboxId: string
  readonly readOnly: boolean
  readonly uidValidity: number
  recentUid = 0 as Uid
  readonly #tools: ImapTools
  readonly #account: AccountId
  readonly #id: number
  readonly #table: LiveTable
  #stop: (() => void) | undefined
  readonly #ended = new AbortController()

  constructor(tools: ImapTools, account: AccountId, row: MailboxRow, table: LiveTable, readOnly: boolean) {
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

  /** The first read-write session to see messages has them as \Recent; no other session has. RFC 3501 §2.3.2. */
  async begin(): Promise<void> {
    this.recentUid = this.#table.recentUid
    if (this.readOnly || this.recentUid === this.#table.uidNext) return
    this.#table.claimRecent()
    await translated(this.#tools.store.commit([{ kind: 'claimRecent', mailbox: this.#id }]))
  }

  follow(onChange: () => void): void {
    this.#stop = this.#table.listen(onChange)
  }

  uidNext(): Uid {
    return this.#table.uidNext
  }

  highestModSeq(): ModSeq {
    return this.#table.highestModSeq
  }

  flagsModSeq(): ModSeq {
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

  upToDate(): Promise<void> | undefined {
    return this.#tools.store.read.upToDate(this.#id)
  }

  flagNames(): readonly (string | undefined)[] {
    return this.#table.flagNames
  }

  keywordsOpen(): boolean {
    return this.flagNames().length < flagsMax
  }

  get gone(): boolean {
    return this.#table.gone
  }

  fetch(uids: Uint32Array, need: FetchNeed): FetchPages {
    const facts = Boolean(need.internalDate || need.size || need.emailId || need.threadId || need.saveDate)
    const pages = this.#tools.store.read.rows(this.#id, uids, { ...need, facts })
    // As they are: a second generator would cost each message that is read alone.
    return need.emailId || need.threadId ? withIds(pages) : (pages as AsyncIterable<unknown> as FetchPages)
  }

  async store(
    uids: Uint32Array,
    mode: 'add' | 'remove' | 'replace',
    flags: readonly string[],
    unchangedSince?: ModSeq,
  ): Promise<{ modSeq: ModSeq; failed: Uint32Array }> {
    const ranges = rangesOf(this.table(), uids)
    const [result] = await translated(
      this.#tools.store.commit([{ kind: 'flags', mailbox: this.#id, uids: ranges, mode, flags, unchangedSince }]),
    )
    return { modSeq: result.modSeq, failed: Uint32Array.from(result.failed) }
  }

  async expunge(uids?: Uint32Array): Promise<{ expunged: Uint32Array; modSeq: ModSeq }> {
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
    const row = await store.read.mailboxByName(this.#account, canonicalMailboxName(target))
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

/** Ids as IMAP tells them. RFC 8474 §5. */
async function* withIds(pages: AsyncIterable<readonly MessageRow[]>): AsyncIterable<readonly FetchRow[]> {
  for await (const page of pages)
    yield page.map((row) => ({
      ...row,
      emailId: `M${row.emailId.toString(36)}`,
      threadId: `T${row.threadId.toString(36)}`,
    }))
}
