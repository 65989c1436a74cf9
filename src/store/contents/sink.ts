/** Takes the bytes of arriving messages: small ones in memory, large ones in a synced file of their own. */
import { createHash, type Hash } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { open, rename, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ContentSink } from '../../mail/content.ts'
import { StoreFault, type StoredContent } from '../store.ts'
import { isFull } from '../faults.ts'
import type { ContentFiles } from './reader.ts'
import { largePath } from './large-path.ts'
import type { ContentFate, SunkContent } from './sunk.ts'

/** Larger bodies get a file of their own, so that records stay small compared to a segment, and memory use low. */
export const contentInlineMaxBytes = 2 * 1024 * 1024
/** Memory of all sinks together; beyond it they use files for smaller bodies too. */
export const inlineTotalMaxBytes = 96 * 1024 * 1024
/** Bytes that may wait for the disk before `write` returns false. */
const unwrittenMaxBytes = 512 * 1024

/** Shared by all sinks of a store. */
export interface SinkRoom {
  /** The folder for large bodies; undefined: everything stays in memory (`:memory:` stores). */
  readonly folder: string | undefined
  /** Returns an unused file name. */
  readonly newName: () => string
  inlineBytes: number
}

export class StoreSink implements ContentSink<StoredContent> {
  readonly #room: SinkRoom
  readonly #files: ContentFiles
  #chunks: Uint8Array[] = []
  #sizeBytes = 0
  #charged = 0
  #file: SpillFile | undefined

  constructor(room: SinkRoom, files: ContentFiles) {
    this.#room = room
    this.#files = files
  }

  write(bytes: Uint8Array): boolean {
    this.#sizeBytes += bytes.length
    const kept = isMostOfItsMemory(bytes) ? bytes : Buffer.from(bytes)
    if (this.#file) return this.#file.write(kept)
    this.#chunks.push(kept)
    this.#charge(bytes.length)
    const spill = this.#sizeBytes > contentInlineMaxBytes || this.#room.inlineBytes > inlineTotalMaxBytes
    if (!spill || this.#room.folder === undefined) return true
    this.#file = new SpillFile(this.#room.folder, this.#room.newName())
    let room = true
    for (const chunk of this.#chunks) room = this.#file.write(chunk)
    this.#release()
    return room
  }

  async drained(): Promise<void> {
    await this.#file?.drained()
  }

  async finish(): Promise<SunkContent> {
    const sizeBytes = this.#sizeBytes
    if (this.#file) {
      const file = this.#file
      const digest = await file.finish()
      let fate: ContentFate = 'refused'
      return {
        ...contentInFile(this.#files, { file: file.name, sizeBytes, digest }),
        named: (next) => void (fate = next),
        abort() {
          if (fate === 'refused') file.remove()
        },
      }
    }
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    const charged = this.#charged
    const room = this.#room
    this.#chunks = []
    this.#charged = 0
    let held = true
    // Released once: by the commit that takes the bytes, or by `abort`.
    return contentInMemory(bytes, () => {
      if (held) room.inlineBytes -= charged
      held = false
    })
  }

  abort(): void {
    this.#release()
    this.#file?.abort()
  }

  #charge(bytes: number): void {
    this.#charged += bytes
    this.#room.inlineBytes += bytes
  }

  #release(): void {
    this.#room.inlineBytes -= this.#charged
    this.#charged = 0
    this.#chunks = []
  }
}

/** A view of less would keep the whole read buffer alive, which is more than is counted. */
function isMostOfItsMemory(bytes: Uint8Array): boolean {
  return bytes.length * 2 >= bytes.buffer.byteLength
}

/** Bytes in memory. */
export function contentInMemory(bytes: Uint8Array, abort: () => void): SunkContent {
  return { sizeBytes: bytes.length, whole: bytes, read: (start, end) => bytes.subarray(start, end), abort }
}

/** Bytes in a file below `large/`. */
export function contentInFile(
  files: ContentFiles,
  { file, sizeBytes, digest }: { readonly file: string; readonly sizeBytes: number; readonly digest: string },
): Omit<SunkContent, 'abort'> {
  const source = { segment: 0, position: 0, file, sizeBytes }
  return { sizeBytes, file, digest, read: (start, end) => files.read(source, start, end) }
}

/** Named `unfinished-` until it is complete and synced: leftovers of a crash are recognised by that and deleted at start. */
class SpillFile {
  readonly name: string
  readonly #folder: string
  readonly #path: string
  readonly #unfinished: string
  readonly #hash: Hash = createHash('sha256')
  #queue: Uint8Array[] = []
  #unwritten = 0
  #at = 0
  #handle: FileHandle | undefined
  #working: Promise<void> | undefined
  #error: unknown

  constructor(folder: string, name: string) {
    this.name = name
    this.#folder = folder
    this.#path = largePath(folder, name)
    this.#unfinished = join(folder, `unfinished-${name}.eml`)
  }

  write(chunk: Uint8Array): boolean {
    this.#hash.update(chunk)
    this.#queue.push(chunk)
    this.#unwritten += chunk.length
    this.#working ??= this.#work()
    return this.#unwritten < unwrittenMaxBytes
  }

  async #work(): Promise<void> {
    try {
      this.#handle ??= await open(this.#unfinished, 'wx')
      while (this.#queue.length > 0) {
        const chunks = this.#queue
        this.#queue = []
        const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        const { bytesWritten } = await this.#handle.writev(chunks, this.#at)
        if (bytesWritten !== size)
          throw Object.assign(new Error(`${bytesWritten} of ${size} bytes written`), { code: 'ENOSPC' })
        this.#at += size
        this.#unwritten -= size
      }
    } catch (error) {
      this.#error ??= error
      this.#queue = []
      this.#unwritten = 0
    }
    this.#working = undefined
  }

  async drained(): Promise<void> {
    while (this.#working) await this.#working
  }

  /** Syncs the file, renames it and syncs the folder; returns the digest. */
  async finish(): Promise<string> {
    await this.drained()
    try {
      if (this.#error) throw this.#error
      await this.#handle!.datasync()
      await this.#handle!.close()
      this.#handle = undefined
      const made = mkdirSync(dirname(this.#path), { recursive: true })
      await rename(this.#unfinished, this.#path)
      await syncFolder(dirname(this.#path))
      if (made !== undefined) await syncFolder(this.#folder)
    } catch (error) {
      this.abort()
      throw isFull(error) ? new StoreFault(`No room for a large message: ${(error as Error).message}`, true) : error
    }
    return this.#hash.digest('hex')
  }

  remove(): void {
    rmSync(this.#path, { force: true })
  }

  abort(): void {
    this.#queue = []
    // The file may still be opening: it is closed once its work is over.
    void this.drained()
      .then(() => this.#handle?.close())
      .catch(() => {})
      .then(() => {
        this.#handle = undefined
        rmSync(this.#unfinished, { force: true })
      })
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
