/** The reading thread: searches and checkpoints away from the main thread. Started when first needed, ended when idle. */
import type { Worker } from 'node:worker_threads'
import type { Clock, Timer } from '../../base/clock.ts'
import type { SearchKey, UidRanges } from '../../mail/search-key.ts'
import { startThread } from './thread.ts'

export type ToReader =
  | {
      readonly kind: 'search'
      readonly id: number
      readonly mailbox: number
      readonly key: SearchKey
      readonly within: UidRanges
    }
  | { readonly kind: 'checkpoint'; readonly id: number }
  /** A consistent copy of the rows into a new file. */
  | { readonly kind: 'copyRows'; readonly id: number; readonly path: string }

export type FromReader = { readonly id: number; readonly uids?: Uint32Array; readonly error?: string }

/** A thread costs 9 MB: it is let go after so long without work. */
const idleMs = 30_000

export class Readers {
  readonly #folder: string
  readonly #clock: Clock
  #thread: Worker | undefined
  #timer: Timer | undefined
  #next = 1
  readonly #waiting = new Map<number, { resolve: (uids: Uint32Array) => void; reject: (error: Error) => void }>()

  constructor(folder: string, clock: Clock) {
    this.#folder = folder
    this.#clock = clock
  }

  search(mailbox: number, key: SearchKey, within: UidRanges): Promise<Uint32Array> {
    const id = this.#next++
    return this.#ask({ kind: 'search', id, mailbox, key, within })
  }

  async copyRows(path: string): Promise<void> {
    await this.#ask({ kind: 'copyRows', id: this.#next++, path })
  }

  async checkpoint(): Promise<void> {
    await this.#ask({ kind: 'checkpoint', id: this.#next++ })
  }

  #ask(message: ToReader): Promise<Uint32Array> {
    return new Promise((resolve, reject) => {
      this.#timer?.cancel()
      this.#waiting.set(message.id, { resolve, reject })
      this.#start().postMessage(message)
    })
  }

  #start(): Worker {
    if (this.#thread) return this.#thread
    const thread = startThread('reader', { folder: this.#folder })
    this.#thread = thread
    thread.on('message', (answer: FromReader) => {
      const waiting = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if (answer.error !== undefined) waiting?.reject(new Error(answer.error))
      else waiting?.resolve(answer.uids ?? new Uint32Array(0))
      if (this.#waiting.size === 0) this.#rest()
    })
    const gone = (error: Error): void => {
      if (this.#thread !== thread) return
      this.#thread = undefined
      for (const waiting of this.#waiting.values()) waiting.reject(error)
      this.#waiting.clear()
    }
    thread.on('error', (error) => gone(error as Error))
    thread.on('exit', () => gone(new Error('the reading thread ended')))
    return thread
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(idleMs, () => {
      const thread = this.#thread
      this.#thread = undefined
      void thread?.terminate()
    })
  }

  async close(): Promise<void> {
    this.#timer?.cancel()
    const thread = this.#thread
    this.#thread = undefined
    for (const waiting of this.#waiting.values()) waiting.reject(new Error('the store closes'))
    this.#waiting.clear()
    await thread?.terminate()
  }
}
