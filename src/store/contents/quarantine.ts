/** Copies of records that could not be applied or read: `quarantine/SEGMENT-POSITION.rec`, synced before the log goes on behind them. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { syncFolder, type Place } from './log.ts'

export interface Quarantine {
  /** Durable when it returns. */
  put(place: Place, bytes: Uint8Array): void
  remove(place: Place): void
}

export function quarantineName({ segment, position }: Place): string {
  return `${String(segment).padStart(8, '0')}-${String(position).padStart(8, '0')}.rec`
}

export function quarantinePath(dataFolder: string, place: Place): string {
  return join(dataFolder, 'quarantine', quarantineName(place))
}

/** @returns undefined where the copy is gone. */
export function readQuarantined(dataFolder: string, place: Place): Buffer | undefined {
  const path = quarantinePath(dataFolder, place)
  return existsSync(path) ? readFileSync(path) : undefined
}

export class QuarantineFolder implements Quarantine {
  readonly #dataFolder: string

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder
  }

  put(place: Place, bytes: Uint8Array): void {
    const path = quarantinePath(this.#dataFolder, place)
    if (mkdirSync(dirname(path), { recursive: true, mode: 0o700 }) !== undefined) syncFolder(this.#dataFolder)
    const fd = openSync(path, 'w', 0o600)
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, done)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    syncFolder(dirname(path))
  }

  remove(place: Place): void {
    rmSync(quarantinePath(this.#dataFolder, place), { force: true })
  }
}

/** For `:memory:` stores. */
export class QuarantineMemory implements Quarantine {
  readonly #records = new Map<string, Uint8Array>()

  put(place: Place, bytes: Uint8Array): void {
    this.#records.set(quarantineName(place), Buffer.from(bytes))
  }

  read(place: Place): Uint8Array | undefined {
    return this.#records.get(quarantineName(place))
  }

  remove(place: Place): void {
    this.#records.delete(quarantineName(place))
  }
}
