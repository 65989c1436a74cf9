/** A whole ImapBackend in memory, for those who want to try a client or write a test. Nothing outlives it. */
import type { ContentSink } from '../../../mail/content.ts'
import type { Authenticated, Authenticator } from '../../sasl/authenticator.ts'
import { ImapRefusal } from '../backend.ts'
import type { AppendContent, AppendMessage, ImapAccount, ImapBackend, ImapMailboxInfo, Namespaces } from '../backend.ts'
import { MemorySelected } from './selected.ts'
import { MemoryStore } from './store.ts'

export interface MemoryOptions {
  /** Largest message, bytes. */
  readonly appendLimitBytes?: number
  /** Wall clock, milliseconds. */
  readonly now?: () => number
}

const appendLimitDefault = 64 * 1024 * 1024

interface MemoryUser {
  readonly accountId: number
  readonly password: string
  readonly store: MemoryStore
}

export class MemoryBackend implements ImapBackend, Authenticator {
  readonly #users = new Map<string, MemoryUser>()
  readonly #options: MemoryOptions

  constructor(options: MemoryOptions = {}) {
    this.#options = options
  }

  addUser(name: string, password: string): void {
    this.#users.set(name, { accountId: this.#users.size + 1, password, store: new MemoryStore() })
  }

  async verifyPassword(name: string, password: string): Promise<Authenticated | null> {
    const user = this.#users.get(name)
    return user?.password === password ? { accountId: user.accountId, name } : null
  }

  async open({ name }: Authenticated): Promise<ImapAccount> {
    const user = this.#users.get(name)
    if (!user) throw new ImapRefusal('UNAVAILABLE', 'No such account')
    return new MemoryAccount(user.store, this.#options)
  }
}

interface MemoryContent extends AppendContent {
  readonly bytes: Uint8Array
}

class MemoryAccount implements ImapAccount {
  readonly namespaces: Namespaces = { personal: [{ prefix: '', delimiter: '/' }], otherUsers: [], shared: [] }
  readonly appendLimitBytes: number
  readonly #store: MemoryStore
  readonly #now: () => number

  constructor(store: MemoryStore, { appendLimitBytes = appendLimitDefault, now = Date.now }: MemoryOptions) {
    this.#store = store
    this.appendLimitBytes = appendLimitBytes
    this.#now = now
  }

  async list(): Promise<ImapMailboxInfo[]> {
    const { mailboxes, subscriptions } = this.#store
    const found: ImapMailboxInfo[] = []
    for (const { name, specialUse } of mailboxes.values())
      found.push({ name, specialUse, selectable: true, subscribed: subscriptions.has(name) })
    for (const name of subscriptions)
      if (!mailboxes.has(name)) found.push({ name, selectable: false, subscribed: true })
    return found
  }

  async create(name: string, specialUse?: string) {
    return { mailboxId: this.#store.create(name, specialUse).id }
  }

  /** Children keep their names; their parent is then a name without a mailbox. */
  async delete(name: string): Promise<void> {
    const mailbox = this.#store.existing(name)
    this.#store.mailboxes.delete(name)
    mailbox.gone = true
    mailbox.changed()
  }

  async rename(from: string, to: string): Promise<void> {
    const store = this.#store
    const mailbox = store.existing(from)
    if (store.mailboxes.has(to)) throw new ImapRefusal('ALREADYEXISTS', 'Mailbox already exists')
    if (from === 'INBOX') {
      store.create(to)
      const selected = new MemorySelected(store, mailbox, true, () => {})
      await selected.move(mailbox.table.uids.slice(0, mailbox.table.count), to)
      return selected.close()
    }
    const moving = [...store.mailboxes.values()].filter(({ name }) => name === from || name.startsWith(`${from}/`))
    // Parents of the new name that miss are made on the way; the mailbox itself keeps its identity.
    const placeholder = store.create(to)
    store.mailboxes.delete(placeholder.name)
    for (const one of moving) {
      store.mailboxes.delete(one.name)
      one.name = to + one.name.slice(from.length)
      store.mailboxes.set(one.name, one)
    }
  }

  async subscribe(name: string): Promise<void> {
    this.#store.subscriptions.add(name)
  }

  async unsubscribe(name: string): Promise<void> {
    this.#store.subscriptions.delete(name)
  }

  async status(name: string) {
    const mailbox = this.#store.existing(name)
    const { messages, uidNext, uidValidity, highestModSeq, id } = mailbox
    const sizeBytes = messages.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const facts = { messages: messages.length, uidNext, uidValidity, highestModSeq, mailboxId: id, sizeBytes }
    return { ...facts, ...mailbox.counts() }
  }

  async select(name: string, options: { readonly readOnly: boolean; readonly onChange: () => void }) {
    return new MemorySelected(this.#store, this.#store.existing(name), options.readOnly, options.onChange)
  }

  async checkAppend(name: string): Promise<void> {
    this.#store.existing(name, 'TRYCREATE')
  }

  appendSink(): ContentSink<AppendContent> {
    const parts: Uint8Array[] = []
    return {
      write: (bytes) => parts.push(Uint8Array.from(bytes)) > 0,
      drained: async () => {},
      async finish() {
        const bytes = Buffer.concat(parts)
        return { sizeBytes: bytes.length, bytes } satisfies MemoryContent
      },
      abort: () => void parts.splice(0),
    }
  }

  async append(name: string, messages: readonly AppendMessage[]) {
    const mailbox = this.#store.existing(name, 'TRYCREATE')
    const bits = messages.map(({ flags }) => this.#store.bitsOf(flags))
    const modSeq = this.#store.nextModSeq()
    const uids = messages.map(({ content, internalDate }, i) => {
      const date = internalDate ?? { epochMs: this.#now(), offsetMinutes: 0 }
      return mailbox.add((content as MemoryContent).bytes, date, bits[i]!.low, bits[i]!.high, modSeq)
    })
    return { uidValidity: mailbox.uidValidity, uids }
  }

  close(): void {}
}
