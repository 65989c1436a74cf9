/**
 * A disk that forgets what was not synced: contents live by file, names by folder, each with what is certain and what is pending.
 * A sync of a file makes its pending writes certain; only a sync of a folder makes names in it certain (POSIX promises no more).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DiskEvent } from './trace.ts'

type Change =
  | { readonly at: number; readonly bytes: Buffer; readonly time: number }
  | { readonly size: number; readonly time: number }

class Inode {
  durable = Buffer.alloc(0)
  pending: Change[] = []

  /** Makes what was pending before `time` certain. */
  sync(time: number): void {
    const [certain, rest] = split(this.pending, (change) => change.time <= time)
    this.durable = apply(this.durable, certain)
    this.pending = rest
  }
}

function split<T>(list: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  return [list.filter(first), list.filter((item) => !first(item))]
}

function apply(base: Buffer, changes: readonly Change[]): Buffer<ArrayBuffer> {
  let bytes = Buffer.from(base)
  for (const change of changes) {
    const size = 'size' in change ? change.size : Math.max(bytes.length, change.at + change.bytes.length)
    if (size !== bytes.length) {
      const resized = Buffer.alloc(size)
      bytes.copy(resized, 0, 0, Math.min(size, bytes.length))
      bytes = resized
    }
    if ('bytes' in change) change.bytes.copy(bytes, change.at)
  }
  return bytes
}

interface NameChange {
  readonly folder: string
  readonly name: string
  /** undefined: the name goes. */
  readonly inode: Inode | undefined
  readonly time: number
}

/** How what was not certain turned out. */
export type Fate = 'lost' | 'kept' | 'mixed'

const sectorBytes = 512

export class Disk {
  /** The names as the running program sees them. */
  readonly #names = new Map<string, Inode>()
  readonly #durableNames = new Map<string, Inode>()
  #pendingNames: NameChange[] = []
  readonly #ignored: (path: string) => boolean

  /** @param ignored syncs that count for nothing: to prove that each is needed. */
  constructor(ignored: (path: string) => boolean = () => false) {
    this.#ignored = ignored
  }

  #link(path: string, inode: Inode | undefined, time: number): void {
    if (inode) this.#names.set(path, inode)
    else this.#names.delete(path)
    this.#pendingNames.push({ folder: dirname(path), name: path, inode, time })
  }

  take(event: DiskEvent, time: number): void {
    switch (event.kind) {
      case 'open': {
        const inode = this.#names.get(event.path)
        if (!inode) this.#link(event.path, new Inode(), time)
        else if (event.truncate) inode.pending.push({ size: 0, time })
        return
      }
      case 'write':
        this.#names.get(event.path)?.pending.push({ at: event.at, bytes: event.bytes, time })
        return
      case 'truncate':
        this.#names.get(event.path)?.pending.push({ size: event.size, time })
        return
      case 'sync': {
        if (this.#ignored(event.path)) return
        const inode = this.#names.get(event.path)
        if (inode) inode.sync(event.startedAt)
        const [certain, rest] = split(
          this.#pendingNames,
          (change) => change.folder === event.path && change.time <= event.startedAt,
        )
        for (const change of certain) this.#recordResults(change)
        this.#pendingNames = rest
        return
      }
      case 'rename':
        this.#link(event.to, this.#names.get(event.from), time)
        this.#link(event.from, undefined, time)
        return
      case 'unlink':
        this.#link(event.path, undefined, time)
        return
      default:
    }
  }

  #recordResults({ name, inode }: NameChange): void {
    if (inode) this.#durableNames.set(name, inode)
    else this.#durableNames.delete(name)
  }

  /** What is pending, as one word: the same word means that a crash finds the same disk. */
  get pendingCount(): number {
    return this.#pendingNames.length + [...this.#names.values()].reduce((sum, inode) => sum + inode.pending.length, 0)
  }

  /** Writes what a power cut now would leave of the files below `root` into `target`. */
  cut(root: string, target: string, fate: Fate, chance: (end: number) => number): void {
    const names = new Map(this.#durableNames)
    // Names are journalled in order by every file system that matters: a prefix of what is pending.
    const kept =
      fate === 'kept' ? this.#pendingNames.length : fate === 'lost' ? 0 : chance(this.#pendingNames.length + 1)
    for (const { name, inode } of this.#pendingNames.slice(0, kept)) {
      if (inode) names.set(name, inode)
      else names.delete(name)
    }
    mkdirSync(target, { recursive: true })
    for (const [path, inode] of names) {
      // Shared memory of SQLite is rebuilt; locks hold nothing.
      if (!path.startsWith(`${root}/`) || path.endsWith('-shm') || /owner\.|control\.sock/.test(path)) continue
      const file = join(target, path.slice(root.length + 1))
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, apply(inode.durable, survivors(inode.pending, fate, chance)))
    }
  }
}

/** Of pending writes any may have reached the disk, in any order, and the last one torn between two sectors. */
function survivors(pending: readonly Change[], fate: Fate, chance: (end: number) => number): readonly Change[] {
  if (fate === 'lost') return []
  if (fate === 'kept') return pending
  const kept: Change[] = []
  for (const change of pending) {
    const luck = chance(4)
    if (luck === 0) continue
    if (luck === 1 && 'bytes' in change && change.bytes.length > sectorBytes) {
      const sectors = Math.ceil(change.bytes.length / sectorBytes)
      kept.push({ ...change, bytes: change.bytes.subarray(0, chance(sectors) * sectorBytes) })
    } else kept.push(change)
  }
  return kept
}
