/**
 * Restores mail of a backup into a running system: adds what is missing, and changes or removes nothing. A message is
 * present if its mailbox has one with the same bytes and date. Restored messages keep flags, date and headers, and get
 * a new UID.
 */
import type { AccountId } from '../mail/ids.ts'
import { turn, type Clock } from '../base/clock.ts'
import { readSliceBytes, type MessageBytes } from '../mail/content.ts'
import { timePrefix } from '../store/arrival-id.ts'
import type { Operation } from '../store/operations.ts'
import {
  openBackup,
  type BackedAccount,
  type BackedMailbox,
  type BackedMessage,
  type BackupReader,
} from '../store/sqlite/backup-reader.ts'
import { StoreRefusal, type Store, type StoredContent } from '../store/store.ts'
import type { Progress } from './jobs.ts'
import { CommandRefusal } from './provision.ts'

export interface RestoreRequest {
  readonly folder: string
  readonly account: string
  /** The mailbox to restore below; undefined: everything goes to its original mailbox. */
  readonly into?: string
  /** One message: `M17` (its EMAILID) or its Message-ID. */
  readonly message?: string
}

export interface RestoredAccount {
  readonly account: string
  readonly createdMs: number
  /** The account did not exist, and was created with its password. */
  readonly accountMade: boolean
  readonly mailboxesMade: number
  readonly restored: number
  /** Messages that were present. */
  readonly present: number
  /** Aliases that forwarded to the account and do not exist now. */
  readonly aliasesGone: readonly string[]
  readonly mailboxes: readonly { readonly name: string; readonly restored: number; readonly present: number }[]
}

/**
 * Rows of the backup in memory at a time, and messages of one commit: one sync for many, without long waits for new
 * mail.
 */
const pageRows = 200
const commitMessages = 32
const commitBytes = 4 * 1024 * 1024

type Arrive = Extract<Operation, { kind: 'arrive' }>

export async function restoreInto(
  tools: { readonly store: Store; readonly clock: Clock },
  request: RestoreRequest,
  progress: Progress,
): Promise<RestoredAccount> {
  const backup = await openBackup(request.folder)
  try {
    const account = backup.account(request.account)
    if (!account) {
      throw new CommandRefusal(
        'noSuchAccount',
        `The backup of ${new Date(backup.manifest.createdMs).toISOString()} has no account ${request.account}: use the full address, or another backup`,
      )
    }
    return await new Restoration(tools, backup, account, request, progress).run()
  } finally {
    backup.close()
  }
}

class Restoration {
  readonly #store: Store
  readonly #clock: Clock
  readonly #backup: BackupReader
  readonly #from: BackedAccount
  readonly #request: RestoreRequest
  readonly #progress: Progress
  readonly #wanted: (message: BackedMessage) => boolean
  #account = 0 as AccountId
  #mailboxesMade = 0
  #restored = 0
  #looked = 0
  #total = 0

  constructor(
    { store, clock }: { readonly store: Store; readonly clock: Clock },
    backup: BackupReader,
    from: BackedAccount,
    request: RestoreRequest,
    progress: Progress,
  ) {
    this.#store = store
    this.#clock = clock
    this.#backup = backup
    this.#from = from
    this.#request = request
    this.#progress = progress
    this.#wanted = request.message === undefined ? () => true : wantedMessage(request.message)
  }

  async run(): Promise<RestoredAccount> {
    const { name } = this.#from
    const known = await this.#store.read.account(name)
    if (!known && this.#request.message !== undefined) {
      throw new CommandRefusal(
        'noSuchAccount',
        `The account ${name} no longer exists: restore it as a whole, without --message`,
      )
    }
    const boxes = this.#backup.mailboxes(this.#from.id)
    this.#total = boxes.reduce((sum, { messages }) => sum + messages, 0)
    this.#account = known?.id ?? (await this.#makeAccount(boxes))
    const mailboxes: { name: string; restored: number; present: number }[] = []
    for (const box of boxes) {
      const done = await this.#mailbox(box)
      if (done) mailboxes.push(done)
    }
    const present = mailboxes.reduce((sum, one) => sum + one.present, 0)
    if (this.#request.message !== undefined && this.#restored + present === 0) {
      throw new CommandRefusal(
        'noSuchMessage',
        `The backup has no message ${this.#request.message} of ${name}: use its Message-ID or its EMAILID (M17), or an earlier backup`,
      )
    }
    const aliasesGone: string[] = []
    for (const address of this.#backup.aliasesTo(name))
      if (!(await this.#store.read.alias(address))) aliasesGone.push(address)
    return {
      account: name,
      createdMs: this.#backup.manifest.createdMs,
      accountMade: !known,
      mailboxesMade: this.#mailboxesMade,
      restored: this.#restored,
      present,
      aliasesGone,
      mailboxes,
    }
  }

  async #makeAccount(boxes: readonly BackedMailbox[]): Promise<AccountId> {
    const { name, quotaBytes, credentials, disabled, restriction } = this.#from
    const mailboxes = boxes.filter(({ role }) => role !== null).map(({ name: box, role }) => ({ name: box, role }))
    const nowMs = this.#clock.now()
    const [{ id }] = await this.#store.commit([
      { kind: 'accountAdd', name, quotaBytes, mailboxes, credentials, nowMs },
      ...(disabled || restriction !== 'none' ? [{ kind: 'accountSet', name, disabled, restriction } as const] : []),
    ])
    return id
  }

  async #mailbox(box: BackedMailbox): Promise<{ name: string; restored: number; present: number } | undefined> {
    const { into, message } = this.#request
    const name = into === undefined ? box.name : `${into}/${box.name}`
    let target = (await this.#store.read.mailboxByName(this.#account, name))?.id
    // For one message, only its mailboxes are created; for an account, all.
    if (target === undefined && message === undefined) target = await this.#makeMailbox(box, name)
    let there: Map<number, number> | undefined
    let restored = 0
    let present = 0
    for (let after = 0; ;) {
      const rows = this.#backup.messages(this.#from.id, box.id, after, pageRows)
      const missing: BackedMessage[] = []
      for (const row of rows) {
        if (!this.#wanted(row)) continue
        target ??= await this.#makeMailbox(box, name)
        there ??= await this.#identities(target)
        const count = there.get(row.identity) ?? 0
        if (count > 0) {
          there.set(row.identity, count - 1)
          present++
        } else missing.push(row)
      }
      if (missing.length > 0) restored += await this.#file(target!, missing)
      this.#looked += rows.length
      this.#progress('messages', this.#looked, this.#total)
      if (rows.length < pageRows) break
      after = rows[rows.length - 1]!.uid
      await turn(this.#clock)
    }
    return message !== undefined && restored + present === 0 ? undefined : { name, restored, present }
  }

  async #makeMailbox({ role, subscribed }: BackedMailbox, name: string): Promise<number> {
    const account = this.#account
    // In its original place it gets its role again, unless another mailbox has it now.
    const taken = role === null || (await this.#store.read.mailboxes(account)).some((one) => one.role === role)
    const ownRole = this.#request.into !== undefined || taken ? undefined : role
    const [{ id }] = await this.#store.commit([
      { kind: 'mailboxCreate', account, name, role: ownRole },
      ...(subscribed ? [{ kind: 'subscribe', account, name, on: true } as const] : []),
    ])
    this.#mailboxesMade++
    return id
  }

  /** The messages now in the mailbox, by identity: some 50 bytes each, for the time of its restore. */
  async #identities(mailbox: number): Promise<Map<number, number>> {
    const found = new Map<number, number>()
    for (let after = 0; ;) {
      const rows = await this.#store.read.identities(mailbox, after, pageRows)
      for (const { identity } of rows) found.set(identity, (found.get(identity) ?? 0) + 1)
      if (rows.length < pageRows) return found
      after = rows[rows.length - 1]!.uid
      await turn(this.#clock)
    }
  }

  async #file(mailbox: number, rows: readonly BackedMessage[]): Promise<number> {
    let batch: Arrive[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await this.#commit(batch)
      batch = []
      bytes = 0
    }
    for (const row of rows) {
      if (batch.length >= commitMessages || (batch.length > 0 && bytes + row.content.sizeBytes > commitBytes))
        await flush()
      batch.push(await this.#arrival(mailbox, row))
      bytes += row.content.sizeBytes
    }
    await flush()
    return rows.length
  }

  async #commit(batch: readonly Arrive[]): Promise<void> {
    try {
      await this.#store.commit(batch)
      this.#restored += batch.length
    } catch (error) {
      for (const { content } of batch) content.abort()
      if (!(error instanceof StoreRefusal) || error.code !== 'overQuota') throw error
      throw new CommandRefusal(
        'overQuota',
        `${this.#from.name} is over quota after ${this.#restored} messages: raise the quota with "pennypost account quota" and restore again (messages restored so far are kept)`,
      )
    }
  }

  async #arrival(mailbox: number, row: BackedMessage): Promise<Arrive> {
    const content = await copyContent(this.#store, row.content)
    const filing = { mailbox, prefix: row.prefix, flags: row.flags, recipients: [], uidl: row.uidl }
    // No recipients: the ledger has the outcome of the original arrival.
    const arrivalId = `${timePrefix(this.#clock.now())}restored`
    return { kind: 'arrive', arrivalId, content, at: row.internalDate, filings: [filing] }
  }
}

async function copyContent(store: Store, bytes: MessageBytes): Promise<StoredContent> {
  const sink = store.sink()
  try {
    for (let at = 0; at < bytes.sizeBytes; at += readSliceBytes) {
      if (!sink.write(await bytes.read(at, at + readSliceBytes))) await sink.drained()
    }
  } catch (error) {
    sink.abort()
    throw error
  }
  return sink.finish()
}

/** `M17`, or a Message-ID with or without brackets, which is the end of ENVELOPE. RFC 9051 §7.5.2. */
function wantedMessage(text: string): (message: BackedMessage) => boolean {
  const email = /^M(\d{1,15})$/.exec(text)?.[1]
  if (email !== undefined) return (message) => message.email === Number(email)
  const id = text.replace(/^<|>$/g, '')
  const end = `"<${id.replace(/["\\]/g, '\\$&')}>")`
  return ({ envelope }) => envelope.endsWith(end)
}
