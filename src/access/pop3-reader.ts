/** The bytes of a maildrop's messages: for clients that retrieve in order, whole pages are read ahead. */
import type { MessageBytes } from '../mail/content.ts'
import { readSliceBytes } from '../mail/content.ts'
import type { MessageRow, Store } from '../store/store.ts'

/**
 * Clients at a time with pages read ahead: each may hold two pages of the store's, some 4 MiB. All others are served
 * message by message.
 */
const readersAheadMax = 64

/** Counts these clients, over all maildrops. */
export class ReadersAhead {
  #count = 0

  take(): boolean {
    if (this.#count >= readersAheadMax) return false
    this.#count++
    return true
  }

  give(): void {
    this.#count--
  }
}

export class MaildropReader {
  readonly #store: Store
  readonly #mailbox: number
  readonly #uids: Uint32Array
  readonly #ahead: ReadersAhead
  /** Index after the message that was read last. */
  #next = -1
  #pages: AsyncIterator<readonly MessageRow[]> | undefined
  #page: readonly MessageRow[] = []
  #at = 0

  /** @param uids by index, ascending. */
  constructor(store: Store, mailbox: number, uids: Uint32Array, ahead: ReadersAhead) {
    this.#store = store
    this.#mailbox = mailbox
    this.#uids = uids
    this.#ahead = ahead
  }

  /** The message, if it is the next in order, small, and in memory already. */
  held(index: number): readonly Uint8Array[] | undefined {
    if (index !== this.#next) return undefined
    const row = this.#page[this.#at]
    if (!row || row.uid !== this.#uids[index] || row.problem !== undefined || row.bytes!.sizeBytes > readSliceBytes)
      return undefined
    const pieces = row.bytes!.pieces?.()
    if (pieces) this.#passed(index)
    return pieces
  }

  /** undefined: it was removed meanwhile. */
  async read(index: number): Promise<MessageBytes | undefined> {
    // The same message again, as with TOP and then RETR: the position is kept.
    if (index === this.#next - 1) return this.#one(index)
    if (index !== this.#next) {
      this.forget()
      this.#next = index + 1
      return this.#one(index)
    }
    if (!this.#pages && index + 1 < this.#uids.length && this.#ahead.take()) {
      const rows = this.#store.read.rows(this.#mailbox, this.#uids.subarray(index), { bytes: true })
      this.#pages = rows[Symbol.asyncIterator]()
    }
    if (!this.#pages) {
      this.#next = index + 1
      return this.#one(index)
    }
    const uid = this.#uids[index]!
    for (;;) {
      const row = this.#page[this.#at]
      if (row && row.uid < uid) this.#at++
      else if (row) {
        const found = row.uid === uid ? row.bytes : undefined
        if (found) this.#passed(index)
        else this.#next = index + 1
        return found
      } else {
        const { done, value } = await this.#pages.next()
        if (done) {
          this.forget()
          return undefined
        }
        this.#page = value
        this.#at = 0
      }
    }
  }

  #passed(index: number): void {
    this.#at++
    this.#next = index + 1
    if (this.#next === this.#uids.length) this.forget()
  }

  async #one(index: number): Promise<MessageBytes | undefined> {
    const uids = this.#uids.subarray(index, index + 1)
    for await (const [row] of this.#store.read.rows(this.#mailbox, uids, { bytes: true })) return row?.bytes
    return undefined
  }

  /** Releases pages that were read ahead. */
  forget(): void {
    this.#next = -1
    if (!this.#pages) return
    void this.#pages.return?.().catch(() => {})
    this.#pages = undefined
    this.#page = []
    this.#at = 0
    this.#ahead.give()
  }
}
