/** Where records are appended: segment files on disk, or memory for the simulator. Used by the writer alone. */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
  fstatSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { headerBytes } from '../record.ts'

/** Large enough that preparing one is rare, small enough that the sweep can rewrite one at leisure. */
export const segmentBytes = 64 * 1024 * 1024

export interface Place {
  readonly segment: number
  readonly position: number
}

export interface RecordLog {
  /** Where `size` bytes will go. Never splits them over two segments. */
  reserve(size: number): Place
  /** Writes what was reserved and makes it durable. Throws when that fails: see `isFull`. */
  append(place: Place, bytes: Uint8Array): void
  /** Reads for replay; fewer bytes at the segment's end, none where no such segment is. */
  read(segment: number, position: number, length: number): Buffer
  /** Goes on behind this place; in a new segment where the bytes before it are gone. */
  seek(place: Place): void
  /** Takes the mark of a record away that was refused: what is left of it is none. */
  erase(place: Place): void
  /** What was opened for reading can go. */
  forgetReaders(): void
  readonly place: Place
  segments(): readonly number[]
  close(): void
}

export function segmentName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.seg`
}

/** The next segment, zero-filled and synced, waits under this name until the writer takes it. */
export const preparedName = 'prepared.seg'

/** Syncs a folder, so that names made in it survive a power cut. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const zeros = Buffer.alloc(1024 * 1024)

/** Fills and syncs a segment on this thread: at the first start. */
function makeSegment(folder: string, path: string, size: number): void {
  const fd = openSync(path, 'w')
  try {
    for (let at = 0; at < size; at += zeros.length) writeSync(fd, zeros, 0, Math.min(zeros.length, size - at), at)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  syncFolder(folder)
}

export class SegmentFiles implements RecordLog {
  readonly #folder: string
  readonly #segmentBytes: number
  #segment = 0
  #position = 0
  #fd = -1
  #soughtSegment = 0
  readonly #readers = new Map<number, number>()

  constructor(folder: string, size = segmentBytes) {
    this.#folder = folder
    this.#segmentBytes = size
    mkdirSync(folder, { recursive: true })
  }

  get place(): Place {
    return { segment: this.#segment, position: this.#position }
  }

  segments(): readonly number[] {
    return readdirSync(this.#folder)
      .filter((name) => /^\d{8}\.seg$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b)
  }

  seek(place: Place): void {
    this.#soughtSegment = place.segment
    const size = statSync(join(this.#folder, segmentName(place.segment)), { throwIfNoEntry: false })?.size ?? 0
    // Zeros in the place of lost bytes would be taken for messages.
    const isWhole = place.position <= size
    this.#open(isWhole ? place.segment : Math.max(place.segment, ...this.segments()) + 1)
    this.#position = isWhole ? place.position : 0
  }

  /** The last segment that the rows know, as of `seek`. */
  get soughtSegment(): number {
    return this.#soughtSegment
  }

  erase(place: Place): void {
    writeSync(this.#fd, Buffer.alloc(headerBytes), 0, headerBytes, place.position)
    fdatasyncSync(this.#fd)
  }

  #open(segment: number): void {
    const path = join(this.#folder, segmentName(segment))
    if (!existsSync(path)) {
      const prepared = join(this.#folder, preparedName)
      if (existsSync(prepared)) {
        renameSync(prepared, path)
        syncFolder(this.#folder)
      } else if (segment === 1) {
        // Under another name until it is whole: a half-filled segment must not look like one.
        const unfinished = join(this.#folder, 'unfinished.seg')
        makeSegment(this.#folder, unfinished, this.#segmentBytes)
        renameSync(unfinished, path)
        syncFolder(this.#folder)
      } else {
        // The prepared one is late. An empty file is as safe, since a sync carries its new size too; each sync only costs more.
        closeSync(openSync(path, 'wx'))
        syncFolder(this.#folder)
      }
    }
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = openSync(path, 'r+')
    this.#segment = segment
    this.#position = 0
  }

  reserve(size: number): Place {
    if (size > this.#segmentBytes) throw new Error(`a record of ${size} bytes does not fit a segment`)
    if (this.#position + size > this.#segmentBytes) this.#open(this.#segment + 1)
    return this.place
  }

  append(place: Place, bytes: Uint8Array): void {
    let done = 0
    while (done < bytes.length) done += writeSync(this.#fd, bytes, done, bytes.length - done, place.position + done)
    fdatasyncSync(this.#fd)
    this.#position = place.position + bytes.length
  }

  read(segment: number, position: number, length: number): Buffer {
    let fd = this.#readers.get(segment)
    if (fd === undefined) {
      const path = join(this.#folder, segmentName(segment))
      if (!existsSync(path)) return Buffer.alloc(0)
      this.#readers.set(segment, (fd = openSync(path, 'r')))
    }
    const available = Math.max(0, Math.min(length, fstatSync(fd).size - position))
    const bytes = Buffer.allocUnsafe(available)
    let done = 0
    while (done < available) {
      const count = readSync(fd, bytes, done, available - done, position + done)
      if (count === 0) break
      done += count
    }
    return bytes.subarray(0, done)
  }

  forgetReaders(): void {
    for (const fd of this.#readers.values()) closeSync(fd)
    this.#readers.clear()
  }

  remove(segment: number): void {
    rmSync(join(this.#folder, segmentName(segment)), { force: true })
  }

  close(): void {
    this.forgetReaders()
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }
}

/** The same on memory: for `:memory:` stores. Segments grow as needed. */
export class SegmentMemory implements RecordLog {
  readonly #segments = new Map<number, { bytes: Buffer; used: number }>()
  #segment = 1
  #position = 0

  get place(): Place {
    return { segment: this.#segment, position: this.#position }
  }

  segments(): readonly number[] {
    return [...this.#segments.keys()]
  }

  seek(place: Place): void {
    this.#segment = place.segment
    this.#position = place.position
  }

  erase(): void {}

  reserve(size: number): Place {
    if (this.#position + size > segmentBytes) this.seek({ segment: this.#segment + 1, position: 0 })
    return this.place
  }

  append(place: Place, bytes: Uint8Array): void {
    let held = this.#segments.get(place.segment)
    const needed = place.position + bytes.length
    if (!held) this.#segments.set(place.segment, (held = { bytes: Buffer.alloc(Math.max(needed, 65_536)), used: 0 }))
    if (needed > held.bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, held.bytes.length * 2))
      held.bytes.copy(larger)
      held.bytes = larger
    }
    held.bytes.set(bytes, place.position)
    held.used = Math.max(held.used, needed)
    this.#position = needed
  }

  read(segment: number, position: number, length: number): Buffer {
    const held = this.#segments.get(segment)
    if (!held) return Buffer.alloc(0)
    return Buffer.from(held.bytes.subarray(position, Math.min(held.used, position + length)))
  }

  forgetReaders(): void {}

  remove(segment: number): void {
    this.#segments.delete(segment)
  }

  close(): void {}
}
