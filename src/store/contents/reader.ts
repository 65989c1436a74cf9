/** Message bytes on their way out: prefix and content as one, in slices, read from segments or large files. */
import { closeSync, openSync, read, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { MessageBytes } from '../../mail/content.ts'
import { bytesOf } from '../../base/bytes.ts'
import { segmentName } from './log.ts'
import { largePath } from './large-path.ts'

export interface ContentSource {
  readonly segment: number
  readonly position: number
  readonly file: string | null
  readonly sizeBytes: number
}

/** Reads pieces of contents; one per thread. */
export interface ContentFiles {
  readSync(source: ContentSource, start: number, end: number): Uint8Array
  read(source: ContentSource, start: number, end: number): Promise<Uint8Array>
  /** How large the file of a large content is; throws where there is none. */
  fileBytes(source: ContentSource): number
  /** A segment is gone: what was open for it can be closed. */
  forget(segment: number): void
  close(): void
}

/** Open files kept; a mailbox's messages lie in few segments. */
const openMax = 64

export class DiskContents implements ContentFiles {
  readonly #segments: string
  readonly #large: string
  readonly #nameOf: (segment: number) => string
  readonly #open = new Map<string, { fd: number; users: number; doomed: boolean }>()

  /** @param nameOf the name of a segment's file; a backup has its own. */
  constructor(dataFolder: string, nameOf: (segment: number) => string = segmentName) {
    this.#nameOf = nameOf
    this.#segments = join(dataFolder, 'segments')
    this.#large = join(dataFolder, 'large')
  }

  #path(source: ContentSource): string {
    return source.file === null
      ? join(this.#segments, this.#nameOf(source.segment))
      : largePath(this.#large, source.file)
  }

  #take(path: string): { fd: number; users: number; doomed: boolean } {
    let held = this.#open.get(path)
    if (held) {
      this.#open.delete(path)
      this.#open.set(path, held)
    } else {
      held = { fd: openSync(path, 'r'), users: 0, doomed: false }
      this.#open.set(path, held)
      if (this.#open.size > openMax) this.#drop(this.#open.keys().next().value!)
    }
    held.users++
    return held
  }

  #give(held: { fd: number; users: number; doomed: boolean }): void {
    if (--held.users === 0 && held.doomed) closeSync(held.fd)
  }

  #drop(path: string): void {
    const held = this.#open.get(path)
    if (!held) return
    this.#open.delete(path)
    held.doomed = true
    if (held.users === 0) closeSync(held.fd)
  }

  readSync(source: ContentSource, start: number, end: number): Uint8Array {
    return this.readAheadSync(source, start, end, 0)
  }

  /** The same, and up to `ahead` bytes of the file that lie behind it, as far as there are any. */
  readAheadSync(source: ContentSource, start: number, end: number, ahead: number): Uint8Array {
    const held = this.#take(this.#path(source))
    try {
      const bytes = Buffer.allocUnsafe(end - start + ahead)
      let done = 0
      while (done < bytes.length) {
        const count = readSync(held.fd, bytes, done, bytes.length - done, source.position + start + done)
        if (count === 0 && done >= end - start) return bytes.subarray(0, done)
        if (count === 0) throw new Error(`content ends early in ${this.#path(source)}`)
        done += count
      }
      return bytes
    } finally {
      this.#give(held)
    }
  }

  async read(source: ContentSource, start: number, end: number): Promise<Uint8Array> {
    const held = this.#take(this.#path(source))
    try {
      const bytes = Buffer.allocUnsafe(end - start)
      let done = 0
      while (done < bytes.length) {
        const count = await new Promise<number>((resolve, reject) => {
          read(held.fd, bytes, done, bytes.length - done, source.position + start + done, (error, count) =>
            error ? reject(error) : resolve(count),
          )
        })
        if (count === 0) throw new Error(`content ends early in ${this.#path(source)}`)
        done += count
      }
      return bytes
    } finally {
      this.#give(held)
    }
  }

  fileBytes(source: ContentSource): number {
    return statSync(this.#path(source)).size
  }

  forget(segment: number): void {
    this.#drop(join(this.#segments, this.#nameOf(segment)))
  }

  close(): void {
    for (const path of [...this.#open.keys()]) this.#drop(path)
  }
}

/** The disk has lost bytes of a message, or changed them. */
export class ContentDamaged extends Error {
  constructor(problem: string) {
    super(`The message cannot be read: ${problem}`)
    this.name = 'ContentDamaged'
  }
}

/** The bytes of a message: what we prepended, then what arrived. */
export class StoredBytes implements MessageBytes {
  readonly sizeBytes: number
  readonly #files: ContentFiles
  readonly #source: ContentSource
  readonly #prefix: Uint8Array
  #held: Uint8Array | undefined
  /** Why the content cannot be read: then every read throws. */
  readonly problem: string | undefined

  constructor(files: ContentFiles, source: ContentSource, prefix: string, held?: Uint8Array, problem?: string) {
    this.problem = problem
    this.#files = files
    this.#source = source
    this.#prefix = bytesOf(prefix)
    this.sizeBytes = this.#prefix.length + source.sizeBytes
    this.#held = held
  }

  /** The content's own part of [start, end), counted from the message's start. */
  #span(start: number, end: number): [number, number] {
    return [Math.max(0, start - this.#prefix.length), Math.max(0, end - this.#prefix.length)]
  }

  #join(start: number, end: number, content: Uint8Array): Uint8Array {
    if (start >= this.#prefix.length) return content
    const head = this.#prefix.subarray(start, Math.min(end, this.#prefix.length))
    return content.length === 0 ? head : Buffer.concat([head, content])
  }

  pieces(): readonly Uint8Array[] | undefined {
    return this.#held && [this.#prefix, this.#held]
  }

  read(start: number, end: number): Uint8Array | Promise<Uint8Array> {
    if (this.problem !== undefined) return Promise.reject(new ContentDamaged(this.problem))
    end = Math.min(end, this.sizeBytes)
    start = Math.min(start, end)
    const [from, to] = this.#span(start, end)
    if (from === to) return this.#join(start, end, new Uint8Array(0))
    if (this.#held) return this.#join(start, end, this.#held.subarray(from, to))
    return this.#files.read(this.#source, from, to).then((content) => this.#join(start, end, content))
  }

  readSync(start: number, end: number): Uint8Array {
    if (this.problem !== undefined) throw new ContentDamaged(this.problem)
    end = Math.min(end, this.sizeBytes)
    const [from, to] = this.#span(start, end)
    if (from === to) return this.#join(start, end, new Uint8Array(0))
    return this.#join(
      start,
      end,
      this.#held ? this.#held.subarray(from, to) : this.#files.readSync(this.#source, from, to),
    )
  }
}

/** One read fetches neighbours up to this size: contents of one mailbox often lie side by side. */
export const runMaxBytes = 1024 * 1024
/** Bytes between two contents that are read along rather than seek: records' headers and other people's small mail. */
const gapMaxBytes = 32 * 1024

/**
 * Reads many contents with few reads: those that lie near each other in a segment come in one run.
 * Answers one entry per source: undefined where the content is too large to hold (it is then read in slices), 'unreadable' where its run is.
 */
export async function readRuns(
  files: ContentFiles,
  sources: readonly ContentSource[],
): Promise<(Uint8Array | 'unreadable' | undefined)[]> {
  const result: (Uint8Array | 'unreadable' | undefined)[] = Array.from({ length: sources.length })
  const order = sources
    .map((source, index) => ({ source, index }))
    .filter(({ source }) => source.file === null && source.sizeBytes <= runMaxBytes)
    .sort((a, b) => a.source.segment - b.source.segment || a.source.position - b.source.position)
  let at = 0
  while (at < order.length) {
    const first = order[at]!.source
    let end = first.position + first.sizeBytes
    let next = at + 1
    for (; next < order.length; next++) {
      const { source } = order[next]!
      if (source.segment !== first.segment || source.position - end > gapMaxBytes) break
      const wouldEnd = Math.max(end, source.position + source.sizeBytes)
      if (wouldEnd - first.position > runMaxBytes) break
      end = wouldEnd
    }
    const whole = { ...first, sizeBytes: end - first.position }
    const run = await files.read(whole, 0, whole.sizeBytes).catch(() => undefined)
    for (; at < next; at++) {
      const { source, index } = order[at]!
      const start = source.position - first.position
      result[index] = run ? run.subarray(start, start + source.sizeBytes) : 'unreadable'
    }
  }
  return result
}
