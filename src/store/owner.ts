/** One process owns a data folder: a kernel lock through SQLite, gone with the process whatever ended it. docs/architecture.md §2. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase, type Database } from './sqlite/driver.ts'

export class OwnedElsewhere extends Error {
  /** The owner's process id, where it could be read. */
  readonly pid: number | undefined
  constructor(folder: string, pid: number | undefined) {
    super(`The data folder ${folder} is in use by another Pennypost process${pid === undefined ? '' : ` (pid ${pid})`}`)
    this.name = 'OwnedElsewhere'
    this.pid = pid
  }
}

export interface Ownership {
  release(): void
}

export function own(folder: string): Ownership {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const note = join(folder, 'owner.pid')
  let db: Database | undefined
  try {
    db = openDatabase(join(folder, 'owner.lock'))
    db.exec('PRAGMA busy_timeout = 0')
    db.exec('PRAGMA journal_mode = MEMORY')
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db?.close()
    if (!/lock|busy/i.test(String(error))) throw error
    throw new OwnedElsewhere(folder, readPid(note))
  }
  writeFileSync(note, `${process.pid}\n`)
  return { release: () => db.close() }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10)
    return Number.isInteger(pid) ? pid : undefined
  } catch {
    return undefined
  }
}
