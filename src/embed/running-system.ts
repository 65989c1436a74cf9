/** A running system, as the program that embeds it sees it: listeners, accounts, delivered messages, stop. */
import { sleep } from '../base/clock.ts'
import { checkOptions, type OptionTable } from '../base/option-check.ts'
import type { SmtpServer } from '../library/smtp/server.ts'
import type { ReadMessage } from '../mail/view/read-message.ts'
import { realClock } from '../platform/real/clock.ts'
import { accountName, addAccount } from '../admin/provision.ts'
import type { System } from '../system/types.ts'
import { StoredMessage } from './stored-message.ts'

/** The service of a listener. */
export type MailService =
  | 'smtp'
  | 'submission'
  | 'submissions'
  | 'lmtp'
  | 'imap'
  | 'imaps'
  | 'pop3'
  | 'pop3s'
  | 'managesieve'
  | 'http'
  | 'https'

export interface Listening {
  readonly service: MailService
  readonly address: string
  readonly port: number
}

export interface WaitOptions {
  /** Default: `INBOX`. */
  readonly mailbox?: string
  /** Selects the message. Default: the first one. */
  where?(message: ReadMessage, stored: StoredMessage): boolean
  /** Rejects after this time. Default: 5,000. */
  readonly timeoutMs?: number
}

const waitTable: OptionTable<WaitOptions> = { mailbox: 'string', where: 'function', timeoutMs: 'number' }
const waitMsDefault = 5_000
/** Lists are held in memory; beyond this only the oldest messages are listed. */
const listMax = 100_000

export class RunningSystem {
  readonly #system: System
  readonly #sink: SmtpServer | undefined
  #stopping: Promise<void> | undefined

  /** @internal */
  constructor(system: System, sink: SmtpServer | undefined) {
    this.#system = system
    this.#sink = sink
  }

  /** The actual addresses and ports, those of http listeners too. */
  get listening(): readonly Listening[] {
    return this.#system.listening.map(({ service, address, port }) => ({ service, address, port }))
  }

  /** The port of the first listener of this service. Throws a RangeError if there is none. */
  port(service: MailService): number {
    const found = this.#system.listening.find((one) => one.service === service)
    if (!found) throw new RangeError(`nothing listens for ${service}`)
    return found.port
  }

  /** Makes the domain local: mail for its addresses is delivered here. An existing domain is left as it is. */
  async addDomain(name: string): Promise<void> {
    const { store } = this.#system
    if (!store.read.isLocalDomain(name)) await store.commit([{ kind: 'domainAdd', name }])
  }

  /**
   * Creates an account, and its domain if missing. Rejects if the account exists, the address is invalid, or the password has fewer
   * than 8 characters.
   */
  async addAccount(address: string, password: string): Promise<void> {
    const name = accountName(address)
    await this.addDomain(name.slice(name.lastIndexOf('@') + 1))
    await addAccount(this.#system.store, name, password, { nowMs: realClock.now() })
  }

  /** The same, but an existing account is left as it is. @internal */
  async ensureAccount(address: string, password: string): Promise<void> {
    if (!(await this.#system.store.read.account(accountName(address)))) await this.addAccount(address, password)
  }

  /** The messages of a mailbox, oldest first, with all that were answered with 250. Rejects for an unknown account or mailbox. */
  async messages(address: string, mailbox = 'INBOX'): Promise<readonly StoredMessage[]> {
    await this.#mailbox(address, mailbox)
    // A 250 is sent when the message is on disk; its rows follow. A later commit resolves only when those rows can be seen.
    await this.#system.store.commit([])
    return this.#list(address, mailbox)
  }

  async #list(address: string, mailbox: string): Promise<readonly StoredMessage[]> {
    const { store } = this.#system
    const id = await this.#mailbox(address, mailbox)
    const table = await store.read.table(id)
    const view = table.view()
    const uids = view.uids.slice(0, Math.min(view.count, listMax))
    table.release()
    const found: StoredMessage[] = []
    for await (const page of store.read.rows(id, uids, {}))
      for (const row of page) found.push(new StoredMessage(store, id, row))
    return found
  }

  /**
   * Resolves with the first message that `where` selects, already there or still to come. For programs that send in the background.
   * Rejects after `timeoutMs`, when the system stops, and with what `where` throws.
   */
  async waitForMessage(address: string, options: WaitOptions = {}): Promise<StoredMessage> {
    checkOptions('waitForMessage', options, waitTable, { timeout: 'write timeoutMs', subject: 'write where' })
    const { mailbox = 'INBOX', where, timeoutMs = waitMsDefault } = options
    const ending = new AbortController()
    const late = sleep(realClock, timeoutMs, ending.signal).then(() => 'late' as const)
    const stopped = this.#system.ended.then(() => 'stopped' as const)
    // Any change may be the message: listing is cheap, and only new messages are read.
    let wake = (): void => {}
    const change = (): Promise<'changed'> => new Promise((resolve) => (wake = () => resolve('changed')))
    const forget = this.#system.store.listen(() => wake())
    let seen = 0
    try {
      for (;;) {
        // Subscribed before listing, so that a message that arrives meanwhile is not missed.
        const changed = change()
        for (const stored of await this.#list(address, mailbox)) {
          if (stored.uid <= seen) continue
          if (where === undefined || where(await stored.parse(), stored)) return stored
          seen = stored.uid
        }
        const next = await Promise.race([changed, late, stopped])
        if (next === 'stopped') throw new Error('the system has stopped')
        if (next === 'late') throw new Error(`no such message came to ${address} in ${timeoutMs} ms`)
      }
    } finally {
      ending.abort()
      forget()
    }
  }

  /** Empties a mailbox, for tests that follow each other. Rejects for an unknown account or mailbox. */
  async removeMessages(address: string, mailbox = 'INBOX'): Promise<void> {
    const id = await this.#mailbox(address, mailbox)
    const uids = (await this.messages(address, mailbox)).map(({ uid }) => [uid, uid] as const)
    if (uids.length === 0) return
    const nowMs = realClock.now()
    await this.#system.store.commit([{ kind: 'expunge', mailbox: id, uids, force: true, nowMs }])
  }

  async #mailbox(address: string, name: string): Promise<number> {
    const { read } = this.#system.store
    const account = await read.account(accountName(address))
    if (!account) throw new RangeError(`there is no account ${address}`)
    const found = await read.mailboxByName(account.id, name)
    if (!found) throw new RangeError(`${address} has no mailbox ${name}`)
    return found.id
  }

  /** Resolves with the error if the system had to stop by itself (a disk failure), with undefined after `stop()`. */
  get ended(): Promise<Error | undefined> {
    return this.#system.ended
  }

  /**
   * Takes no new connections, sends clients a goodbye, waits for work in progress, closes the store. Takes at most
   * `limits.shutdownGraceMs`; rejects with the names of the parts that did not end by then. Further calls return the same promise.
   */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop())
  }

  async #stop(): Promise<void> {
    const left = await this.#system.stop()
    await this.#sink?.close({ graceMs: 0 })
    if (left.length > 0) throw new Error(`these did not end: ${left.join(', ')}`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
