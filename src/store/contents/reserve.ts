/** Room on the disk that is kept for the moment when there is none: then it is given up, so that mail can be deleted and the store can start. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** What the rows of a start, or of many deletions, need until they are checkpointed. */
const reserveBytes = 16 * 1024 * 1024

export class Reserve {
  readonly #path: string
  readonly sizeBytes: number

  /** @param segmentBytes of small segments a small one: tests. */
  constructor(dataFolder: string, segmentBytes: number) {
    this.#path = join(dataFolder, 'reserve')
    this.sizeBytes = Math.min(reserveBytes, segmentBytes / 4)
  }

  get isThere(): boolean {
    return existsSync(this.#path)
  }

  /** Zeros are written: a hole would keep no room. Without room for it there is none. */
  keep(): void {
    if (this.isThere) return
    try {
      const fd = openSync(this.#path, 'wx', 0o600)
      try {
        const zeros = Buffer.alloc(Math.min(1024 * 1024, this.sizeBytes))
        for (let at = 0; at < this.sizeBytes; at += zeros.length) writeSync(fd, zeros, 0, zeros.length, at)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
    } catch {
      rmSync(this.#path, { force: true })
    }
  }

  /** @returns whether there was any. */
  giveUp(): boolean {
    const was = this.isThere
    rmSync(this.#path, { force: true })
    return was
  }
}
