/** Reads of the reference engine: each as `StoreReads` describes it, by looking through all rows. */
import { createHash } from 'node:crypto'
import { bytesOf } from '../../base/bytes.ts'
import { destinationKey } from '../../mail/destination.ts'
import type { MessageBytes } from '../../mail/content.ts'
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import type { UidRanges } from '../../mail/search-key.ts'
import type { EngineRows } from '../engine.ts'
import {
  queueAgesMinutes,
  type Account,
  type LedgerRow,
  type QueueFilter,
  type QueueRow,
  type QueueShapeRow,
  type User,
} from '../entities.ts'
import type { MessageRow, RowNeed } from '../store.ts'
import { changes, emailReads } from './changes.ts'
import { byTurn, rowOf } from './queue.ts'
import { matches } from './search.ts'
import { flagsOfAll, type AccountEntry, type MessageEntry, type State } from './state.ts'

/** Rows of a page of a table, and of FETCH. */
const pageRows = 1000

function byName<Row extends { readonly name: string }>(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => (a.name < b.name ? -1 : 1))
}

function toAccount(entry: AccountEntry): Account {
  const { id, name, disabled, restriction, quotaBytes, usedBytes, usedMessages } = entry
  return { id, name, disabled, restriction, quotaBytes, usedBytes, usedMessages }
}

/** Prefix and content as one. */
function bytesOfEmail(state: State, email: number): Uint8Array {
  const { prefix, content } = state.mail.emails.get(email)!
  return Buffer.concat([bytesOf(prefix), state.mail.contents.get(content)!.bytes])
}

function messageBytes(whole: Uint8Array): MessageBytes {
  return { sizeBytes: whole.length, read: (start, end) => whole.subarray(start, end), pieces: () => [whole] }
}

function messageRow(state: State, { uid, email, savedMs, uidl }: MessageEntry, need: RowNeed): MessageRow {
  const { dateMs, offsetMinutes, sizeBytes, thread, content } = state.mail.emails.get(email)!
  const { facts } = state.mail.contents.get(content)!
  const known = need.facts !== false
  return {
    uid,
    internalDate: known ? { epochMs: dateMs, offsetMinutes } : { epochMs: 0, offsetMinutes: 0 },
    sizeBytes: known ? sizeBytes : 0,
    emailId: known ? email : 0,
    threadId: known ? thread : 0,
    saveDateMs: known ? savedMs : 0,
    uidl: known ? uidl : null,
    envelope: need.envelope ? facts.envelope : undefined,
    body: need.body ? facts.body : undefined,
    bodyStructure: need.bodyStructure ? facts.bodyStructure : undefined,
    ...(need.bytes ? { bytes: messageBytes(bytesOfEmail(state, email)) } : {}),
  }
}

function accountReads({ directory, mail }: State) {
  const named = (name: string): AccountEntry | undefined =>
    directory.accounts.all().find((account) => account.name === name)
  const mailboxNamed = (account: AccountId, name: string) =>
    mail.mailboxes.all().find((row) => row.account === account && row.name === name)
  const userOf = (name: string): User | undefined => {
    const account = named(name)
    if (!account) return undefined
    const { id, disabled, restriction, quotaBytes } = account
    return { id, name, disabled, restriction, quotaBytes, inbox: mailboxNamed(id, 'INBOX')?.id ?? 0 }
  }
  return {
    domains: async () => directory.domains.keys().sort(),
    user: async (name) => userOf(name),
    address: async (address) => ({ account: userOf(address), targets: directory.aliases.get(address) }),
    account: async (name) => named(name) && toAccount(named(name)!),
    accountById: async (id) => directory.accounts.get(id) && toAccount(directory.accounts.get(id)!),
    usedBytes: async (id) => directory.accounts.get(id)?.usedBytes ?? 0,
    accounts: async (after, limit) =>
      byName(directory.accounts.all().filter(({ name }) => name > after))
        .slice(0, limit)
        .map(toAccount),
    async alias(address) {
      const targets = directory.aliases.get(address)
      return targets && { address, targets }
    },
    aliases: async (after, limit) =>
      directory.aliases
        .keys()
        .filter((address) => address > after)
        .sort()
        .slice(0, limit)
        .map((address) => ({ address, targets: directory.aliases.get(address)! })),
    credentials: async (account, kind) =>
      directory.credentials
        .all()
        .filter((one) => one.account === account && one.type === kind)
        .sort((a, b) => b.id - a.id)
        .map(({ id, name, value }) => ({ id, name, value })),
    setting: async (name) => directory.settings.get(name),
    mailboxByName: async (account, name) => mailboxNamed(account, name),
    mailboxId: async (account, name) => mailboxNamed(account, name)?.id,
    subscriptions: async (account) => [...(mail.subscriptions.get(account) ?? [])].sort(),
  } satisfies Partial<EngineRows>
}

function mailReads(state: State) {
  const { mail } = state
  const within = (mailbox: number, ranges: UidRanges): MessageEntry[] =>
    ranges.flatMap(([first, last]) => state.messages(mailbox).filter(({ uid }) => first <= uid && uid <= last))
  return {
    mailboxes: async (account) => state.mailboxesOf(account),
    mailbox: async (id) => mail.mailboxes.get(id),
    keywords: async (account) =>
      state
        .flagNames(account)
        .map((name, bit) => ({ bit, name }))
        .slice(flagsOfAll.length),
    async tablePage(mailbox, after) {
      const page = state
        .messages(mailbox)
        .filter(({ uid }) => uid > after)
        .slice(0, pageRows)
      return {
        uids: Uint32Array.from(page, ({ uid }) => uid),
        flagsLow: Uint32Array.from(page, ({ low }) => low),
        flagsHigh: Uint32Array.from(page, ({ high }) => high),
        modSeqs: Float64Array.from(page, ({ modSeq }) => modSeq),
      }
    },
    upToDate: () => undefined,
    modSeq: async (account) => state.directory.accounts.get(account)?.modSeq ?? (0 as ModSeq),
    directoryVersion: async () => state.counter('directory'),
    changes: (account, after) => changes(state, account, after),
    async *rows(mailbox, uids, need) {
      const wanted = new Set(uids)
      const found = state.messages(mailbox).filter(({ uid }) => wanted.has(uid))
      for (let at = 0; at < found.length; at += pageRows)
        yield found.slice(at, at + pageRows).map((message) => messageRow(state, message, need))
    },
    async search(mailbox, key, ranges) {
      const row = mail.mailboxes.get(mailbox)
      const flagNames = row ? state.flagNames(row.account).map((name) => name.toLowerCase()) : []
      const found = within(mailbox, ranges).filter((message) => {
        const email = mail.emails.get(message.email)!
        const content = mail.contents.get(email.content)!
        return matches(key, { message, email, content, bytes: bytesOfEmail(state, message.email), flagNames })
      })
      return Uint32Array.from(found, ({ uid }) => uid)
    },
    identities: async (mailbox, after, limit) =>
      state
        .messages(mailbox)
        .filter(({ uid }) => uid > after)
        .slice(0, limit)
        .map(({ uid, email }) => ({ uid, identity: identityOf(state, email) })),
    messagesFrom: async (mailbox, uid: Uid) => ({
      count: state.messages(mailbox).filter((message) => message.uid >= uid).length,
    }),
  } satisfies Partial<EngineRows>
}

/** Of the bytes that arrived, what we put before them, and the internal date. */
function identityOf(state: State, email: number): number {
  const { dateMs, prefix, content } = state.mail.emails.get(email)!
  const digest = createHash('sha256').update(state.mail.contents.get(content)!.bytes).digest()
  return createHash('sha256').update(digest).update(`${dateMs} ${prefix}`).digest().readUIntBE(0, 6)
}

function isAddress(address: string, wanted: string): boolean {
  const [one, other] = [address.toLowerCase(), wanted.toLowerCase()]
  return wanted.startsWith('@') ? one.endsWith(other) : one === other
}

function fits(row: QueueRow, filter: QueueFilter): boolean {
  const { sender, recipient, destination, submitter, state, acceptedBeforeMs } = filter
  return (
    (sender === undefined || isAddress(row.reversePath, sender)) &&
    (recipient === undefined || isAddress(row.address, recipient)) &&
    (destination === undefined || destinationKey(row.destination) === destinationKey(destination)) &&
    (submitter === undefined || row.submitter === submitter) &&
    (state === undefined || row.state === state) &&
    (acceptedBeforeMs === undefined || row.acceptedAtMs < acceptedBeforeMs)
  )
}

function shapeOf(destination: string, rows: readonly QueueRow[], nowMs: number): QueueShapeRow {
  const bounds = [-Infinity, ...queueAgesMinutes, Infinity]
  const ages = rows.map(({ acceptedAtMs }) => (nowMs - acceptedAtMs) / 60_000)
  return {
    destination,
    recipients: rows.length,
    held: rows.filter(({ state }) => state === 'held').length,
    deferred: rows.filter(({ state }) => state === 'deferred').length,
    oldestMs: Math.min(...rows.map(({ acceptedAtMs }) => acceptedAtMs)),
    ages: bounds.slice(1).map((end, i) => ages.filter((age) => age >= bounds[i]! && age < end).length),
  }
}

function queueReads(state: State) {
  const { queue } = state
  const rows = (after = 0): QueueRow[] =>
    queue.recipients
      .all()
      .filter(({ id }) => id > after)
      .sort((a, b) => a.id - b.id)
      .map((recipient) => rowOf(state, recipient))
  return {
    queue: async (after, limit) => rows(after).slice(0, limit),
    async queueWhere(filter, after, limit) {
      const found = rows(after)
        .filter((row) => fits(row, filter))
        .slice(0, limit)
      return found.length === limit ? { rows: found, next: found[limit - 1]!.id } : { rows: found }
    },
    async queueRecipient(id) {
      const recipient = queue.recipients.get(id)
      return recipient && rowOf(state, recipient)
    },
    queueSiblings: async ({ entry }, limit) =>
      rows()
        .filter((row) => row.entry === entry)
        .slice(0, limit),
    queueAttempts: async (recipient) => queue.attempts.get(recipient) ?? [],
    async queueShape(after, nowMs) {
      const found = rows(after)
      const keys = [...new Set(found.map(({ destination }) => destinationKey(destination)))].sort()
      const of = (key: string): QueueRow[] => found.filter(({ destination }) => destinationKey(destination) === key)
      return { rows: keys.map((key) => shapeOf(key, of(key), nowMs)) }
    },
    async queueDue() {
      const all = queue.recipients.all()
      // What is ready is due already: the first of them speaks for all.
      const ready = all.filter((recipient) => recipient.state === 'ready').sort(byTurn)
      const later = all.filter((one) => one.state === 'deferred' || (one.state === 'leased' && !one.isLeasedFromStart))
      const dues = [...ready.slice(0, 1), ...later].map(({ dueMs }) => dueMs)
      return dues.length === 0 ? undefined : Math.min(...dues)
    },
    async queuedContent(id) {
      const entry = queue.entries.get(id)
      if (!entry) return undefined
      const { bytes, facts } = state.mail.contents.get(entry.content)!
      const whole = Buffer.concat([bytesOf(entry.prefix), bytes])
      return { ...messageBytes(whole), indexed: facts.bodyStructure !== '' }
    },
    ledger: async (arrivalId) => queue.ledger.get(arrivalId) ?? [],
    async ledgerWhere(after, before, recipient, limit) {
      const wanted = recipient?.toLowerCase()
      const found: LedgerRow[] = queue.ledger
        .keys()
        .filter((id) => id > after && id < before)
        .sort()
        .flatMap((id) => queue.ledger.get(id)!)
        .filter((row) => wanted === undefined || row.recipient.toLowerCase() === wanted)
        .slice(0, limit)
      return found.length === limit ? { rows: found, next: found[limit - 1]!.arrivalId } : { rows: found }
    },
    counts: async () => ({
      accounts: state.directory.accounts.size,
      messages: state.mail.mailboxes.all().reduce((sum, { messages }) => sum + messages, 0),
      contents: state.mail.contents.size,
      queued: queue.recipients.size,
    }),
  } satisfies Partial<EngineRows>
}

export function memoryRows(state: State): EngineRows {
  return { ...accountReads(state), ...mailReads(state), ...emailReads(state), ...queueReads(state) }
}
