/**
 * Contents as they are read for the first time in a process: inline ones are checked against their digest, large files by their size. What
 * was written a moment ago is not: it is relayed or fetched out of the kernel's memory.
 */
import type { ContentFiles, ContentSource } from './reader.ts'
import { digestOf } from '../record.ts'
import { readRuns } from './reader.ts'
import type { WrittenLately } from './written-lately.ts'

export interface Wanted {
  /** The content's id. */
  readonly id: number
  readonly source: ContentSource
}

export interface Loaded {
  /** The bytes, where they are small enough to be held. */
  readonly held?: Uint8Array
  /** Why the content cannot be read, as the end of a sentence. */
  readonly problem?: string
}

/** A single message up to this size is read at once: a trip to the thread pool costs more than the read. */
const readAtOnceBytes = 65_536
/** Ids whose bits lie together. */
const blockIds = 8192

/** A set of ids, a bit each. */
class IdSet {
  readonly #blocks = new Map<number, Uint32Array>()

  has(id: number): boolean {
    const block = this.#blocks.get(Math.floor(id / blockIds))
    const bit = id % blockIds
    return block !== undefined && (block[bit >> 5]! & (1 << (bit & 31))) !== 0
  }

  add(id: number): void {
    const n = Math.floor(id / blockIds)
    let block = this.#blocks.get(n)
    if (!block) this.#blocks.set(n, (block = new Uint32Array(blockIds / 32)))
    block[(id % blockIds) >> 5]! |= 1 << ((id % blockIds) & 31)
  }
}

export class CheckedContents {
  readonly #files: ContentFiles
  readonly #digest: (id: number) => Uint8Array | undefined
  readonly #damaged: (id: number, source: ContentSource, problem: string) => void
  readonly #lately: WrittenLately
  readonly #sound = new IdSet()
  readonly #told = new IdSet()

  /** @param digest what a content must have, by its row. @param damaged told once a content. */
  constructor(
    files: ContentFiles,
    digest: (id: number) => Uint8Array | undefined,
    damaged: (id: number, source: ContentSource, problem: string) => void,
    lately: WrittenLately,
  ) {
    this.#lately = lately
    this.#files = files
    this.#digest = digest
    this.#damaged = damaged
  }

  /** One entry for each that is wanted, in their order; at once where it is one and small. What cannot be read is the trouble of that one alone. */
  load(wanted: readonly Wanted[]): Promise<readonly Loaded[]> | readonly Loaded[] {
    const [only] = wanted
    if (wanted.length === 1 && only!.source.sizeBytes <= readAtOnceBytes) return [this.loadSync(only!)]
    return this.#inRuns(wanted)
  }

  async #inRuns(wanted: readonly Wanted[]): Promise<readonly Loaded[]> {
    const runs = await readRuns(
      this.#files,
      wanted.map(({ source }) => source),
    )
    const loaded: Loaded[] = []
    for (let i = 0; i < wanted.length; i++) {
      const run = runs[i]
      loaded.push(
        run === 'unreadable' || run === undefined ? await this.#alone(wanted[i]!) : this.#check(wanted[i]!, run),
      )
    }
    return loaded
  }

  /** The same at once, for what is small or on a thread of its own. */
  loadSync(wanted: Wanted): Loaded {
    const { source } = wanted
    try {
      if (source.file !== null) return this.#checkSize(wanted)
      if (this.#isKnown(wanted)) return {}
      return this.#letGo(wanted, this.#check(wanted, this.#files.readSync(source, 0, source.sizeBytes)))
    } catch (error) {
      return this.#failed(wanted, (error as Error).message)
    }
  }

  /** Too large for a run, or in a run that could not be read. */
  async #alone(wanted: Wanted): Promise<Loaded> {
    const { source } = wanted
    try {
      if (source.file !== null) return this.#checkSize(wanted)
      if (this.#isKnown(wanted)) return {}
      return this.#letGo(wanted, this.#check(wanted, await this.#files.read(source, 0, source.sizeBytes)))
    } catch (error) {
      return this.#failed(wanted, (error as Error).message)
    }
  }

  #isKnown({ id, source }: Wanted): boolean {
    return source.sizeBytes > readAtOnceBytes && this.#sound.has(id)
  }

  /** What is large is read again, in slices. */
  #letGo({ source }: Wanted, loaded: Loaded): Loaded {
    return loaded.held && source.sizeBytes > readAtOnceBytes ? {} : loaded
  }

  #checkSize(wanted: Wanted): Loaded {
    const { source } = wanted
    const size = this.#files.fileBytes(source)
    return size === source.sizeBytes ? {} : this.#failed(wanted, `it has ${size} bytes of ${source.sizeBytes}`)
  }

  #check(wanted: Wanted, bytes: Uint8Array): Loaded {
    if (this.#sound.has(wanted.id) || this.#lately.has(wanted.id)) return { held: bytes }
    const digest = this.#digest(wanted.id)
    if (digest && !digestOf(bytes).equals(digest)) return this.#failed(wanted, 'its SHA-256 differs')
    this.#sound.add(wanted.id)
    return { held: bytes }
  }

  #failed({ id, source }: Wanted, problem: string): Loaded {
    if (!this.#told.has(id)) {
      this.#told.add(id)
      this.#damaged(id, source, problem)
    }
    return { problem }
  }
}
