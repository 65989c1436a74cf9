/**
 * Names of large files: each tells in which opening of which database it was made, and how far the log had come. So what no row names can be
 * told apart: a leftover of this database, or the mail of another one, or of this one at a later day than it knows.
 */
import { randomBytes } from 'node:crypto'
import type { Database } from './driver.ts'

export class LargeNames {
  /** This opening's own. */
  readonly tag: string
  /** The log's last record, as far as it is known here: never more than is durable. */
  sequence = 0
  #made = 0

  constructor(tag: string) {
    this.tag = tag
  }

  next(): string {
    return `${randomBytes(4).toString('hex')}-${this.tag}-${this.sequence.toString(36)}-${(this.#made++).toString(36)}`
  }
}

/** Whether this database would know the file, had its commit succeeded. */
export function isOwnName(reads: Database, name: string): boolean {
  const found = /^[0-9a-f]{8}-([0-9a-f]{8})-([0-9a-z]+)-[0-9a-z]+$/.exec(name)
  if (!found) return false
  const opening = reads.prepare('SELECT id FROM opening WHERE tag = ?').get(found[1]!)
  if (!opening) return false
  const next = reads.prepare('SELECT sequence FROM opening WHERE id > ? ORDER BY id LIMIT 1').get(opening['id']!)
  return !next || Number.parseInt(found[2]!, 36) <= (next['sequence'] as number)
}
