/** A reading thread: searches and checkpoints away from the main thread. Started when first needed, ended when idle. */
import type { AccountId } from '../../mail/ids.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import type { SearchKey, UidRanges } from '../../mail/search-key.ts'
import type { Thread } from '../../platform/real/threads.ts'
import { SearchCancelled, StoreRefusal, type SearchOptions } from '../store.ts'
import { startThread } from './thread.ts'

export type ToReader =
  | {
      readonly kind: 'search'
      readonly id: number
      /** They take turns. */
      readonly account: AccountId
      readonly mailbox: number
      readonly key: SearchKey
      readonly within: UidRanges
    }
  /** The search was aborted. */
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'checkpoint'; readonly id: number }
  /** A consistent copy of the rows into a new file. */
  | { readonly kind: 'copyRows'; readonly id: number; readonly path: string }

export interface FromReader {
  readonly id: number
  readonly uids?: Uint32Array
  readonly error?: string
  /** The error is a limit that the search has reached. */
  readonly limit?: boolean
  /** It goes on. */
  readonly still?: boolean
}

interface Waiting {
  readonly resolve: (uids: Uint32Array) => void
  readonly reject: (error: Error) => void
  readonly still: (() => void) | undefined
}

/** A thread costs 9 MB: it is let go after so long without work. */
const idleMs = 30_000

export class Readers {
  readonly #folder: string
  readonly #clock: Clock
  #thread: Thread | undefined
  #timer: Timer | undefined
  #next = 1
  readonly #waiting = new Map<number, Waiting>()

  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
  }

  /** How many wait for an answer. */
  get waiting(): number {
    return this.#waiting.size
  }

  async search(
    account: AccountId,
    mailbox: number,
    key: SearchKey,
    within: UidRanges,
    options: SearchOptions = {},
  ): Promise<Uint32Array> {
    const { signal, still } = options
    if (signal?.aborted) throw new SearchCancelled()
    const id = this.#next++
    const cancel = (): void => {
      const waiting = this.#waiting.get(id)
      if (!waiting) return
      this.#waiting.delete(id)
      this.#thread?.worker.postMessage({ kind: 'cancel', id } satisfies ToReader)
      if (this.#waiting.size === 0) this.#rest()
      waiting.reject(new SearchCancelled())
    }
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await this.#ask({ kind: 'search', id, account, mailbox, key, within }, still)
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  async copyRows(path: string): Promise<void> {
    await this.#ask({ kind: 'copyRows', id: this.#next++, path })
  }

  async checkpoint(): Promise<void> {
    await this.#ask({ kind: 'checkpoint', id: this.#next++ })
  }

  #ask(message: ToReader, still?: () => void): Promise<Uint32Array> {
    return new Promise((resolve, reject) => {
      this.#timer?.cancel()
      this.#waiting.set(message.id, { resolve, reject, still })
      this.#start().worker.postMessage(message)
    })
  }

  #start(): Thread {
    if (this.#thread) return this.#thread
    const thread = startThread('reader', { folder: this.#folder })
    this.#thread = thread
    thread.worker.on('message', (answer: FromReader) => {
      const waiting = this.#waiting.get(answer.id)
      if (answer.still) return waiting?.still?.()
      this.#waiting.delete(answer.id)
      if (answer.limit) waiting?.reject(new StoreRefusal('searchTooLong', 'The search took too long: narrow it'))
      else if (answer.error !== undefined) waiting?.reject(new Error(answer.error))
      else waiting?.resolve(answer.uids ?? new Uint32Array(0))
      if (this.#waiting.size === 0) this.#rest()
    })
    const gone = (error: Error): void => {
      if (this.#thread !== thread) return
      this.#thread = undefined
      for (const waiting of this.#waiting.values()) waiting.reject(error)
      this.#waiting.clear()
    }
    thread.worker.on('error', (error) => gone(error as Error))
    thread.worker.on('exit', () => gone(new Error('the reading thread ended')))
    return thread
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(idleMs, () => {
      const thread = this.#thread
      this.#thread = undefined
      void thread?.end()
    })
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    const thread = this.#thread
    this.#thread = undefined
    for (const waiting of this.#waiting.values()) waiting.reject(new Error('the store closes'))
    this.#waiting.clear()
    await thread?.end()
  }
}
