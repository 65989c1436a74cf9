/** An account's mailboxes as IMAP sees them. RFC 9051 §6.3. */
import type { AccountId } from '../../mail/ids.ts'
import { turn } from '../../base/clock.ts'
import type { ContentSink } from '../../mail/content.ts'
import { canonicalMailboxName } from '../../mail/mailbox-name.ts'
import { roleOfUse, specialUses, type MailboxRole } from '../../mail/special-use.ts'
import {
  ImapRefusal,
  type AppendContent,
  type AppendMessage,
  type ImapAccount,
  type ImapCode,
  type ImapMailboxInfo,
  type ImapMailboxStatus,
  type ImapSelected,
} from '../../protocol/imap/backend.ts'
import type { MailboxRow } from '../../store/entities.ts'
import type { StoredContent } from '../../store/store.ts'
import { refusalOf, translated } from './refusals.ts'
import { StoreImapSelected } from './selected.ts'
import { mailboxIdText, type ImapTools } from './tools.ts'

/** RFC 6154 §2: \All and \Flagged are views of other mailboxes; we have none. */
function roleOf(specialUse: string): MailboxRole {
  const role = roleOfUse(specialUse)
  if (role === undefined || role === 'all' || role === 'flagged')
    throw new ImapRefusal('USEATTR', 'No mailbox can have that use')
  return role
}

export class StoreImapAccount implements ImapAccount {
  readonly namespaces = { personal: [{ prefix: '', delimiter: '/' }], otherUsers: [], shared: [] }
  readonly appendLimitBytes: number
  readonly #tools: ImapTools
  readonly #id: AccountId

  constructor(tools: ImapTools, id: AccountId) {
    this.#tools = tools
    this.#id = id
    this.appendLimitBytes = tools.messageBytesMax()
  }

  async #mailbox(name: string, code: ImapCode = 'NONEXISTENT'): Promise<MailboxRow> {
    const row = await this.#tools.store.read.mailboxByName(this.#id, canonicalMailboxName(name))
    if (!row) throw new ImapRefusal(code, 'No such mailbox')
    return row
  }

  async list(): Promise<readonly ImapMailboxInfo[]> {
    const { read } = this.#tools.store
    const subscribed = new Set(await read.subscriptions(this.#id))
    const rows = await read.mailboxes(this.#id)
    const names = new Set(rows.map(({ name }) => name))
    const list: ImapMailboxInfo[] = rows.map(({ name, role }) => ({
      name,
      specialUse: role && role !== 'inbox' ? specialUses[role] : undefined,
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
    if (role && (await store.read.mailboxes(this.#id)).some((row) => row.role === role))
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
    const row = await this.#mailbox(name)
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
    for (let from = recentUid; ;) {
      const { count, next } = await store.read.messagesFrom(id, from)
      recent += count
      if (next === undefined) return recent
      from = next
      await turn(clock)
    }
  }

  async select(name: string, options: { readOnly: boolean; onChange: () => void }): Promise<ImapSelected> {
    const row = await this.#mailbox(name)
    const table = await translated(this.#tools.store.read.table(row.id))
    const selected = new StoreImapSelected(this.#tools, this.#id, row, table, options.readOnly)
    await selected.begin()
    selected.follow(options.onChange)
    return selected
  }

  /** APPEND's mailbox: its id alone, which is remembered. */
  async #target(name: string): Promise<number> {
    const id = await this.#tools.store.read.mailboxId(this.#id, canonicalMailboxName(name))
    if (id === undefined) throw new ImapRefusal('TRYCREATE', 'No such mailbox')
    return id
  }

  async checkAppend(name: string, sizeBytes: number): Promise<void> {
    await this.#target(name)
    const { quotaBytes, usedBytes } = (await this.#tools.store.read.accountById(this.#id))!
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
    const mailbox = await this.#target(name)
    const nowMs = clock.now()
    const operations = []
    for (const message of messages) {
      const content = message.content as StoredContent
      operations.push({
        kind: 'append' as const,
        mailbox,
        content,
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
