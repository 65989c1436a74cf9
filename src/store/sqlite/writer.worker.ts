/** The writer's thread: takes groups, answers when they are durable and when they are visible. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { dataOfThread, eachTask } from '../../platform/real/threads.ts'
import type { Change } from '../changes.ts'
import { busyTimeoutMs, type Database } from './driver.ts'
import { openWriter, type OpenWriter } from './open-writer.ts'
import type { WireCommit } from './group.ts'
import type { Incident } from './quarantine.ts'
import type { CommitOutcome } from './outcomes.ts'
import { WriterBroken } from './writer.ts'

export interface WriterSettings {
  readonly folder: string
  readonly spareBytes?: number
  readonly segmentBytes?: number
  readonly tag?: string
}

/** What the engine knows of the writer beside the outcomes. */
export interface WriterState {
  /** Nothing is taken until rows that are missing can be written. */
  readonly behind: boolean
  /** There is less room than `spareBytes`. */
  readonly full: boolean
  /** The last record of the log. */
  readonly sequence: number
  readonly incidents: readonly Incident[]
}

export type ToWriter =
  | { readonly kind: 'group'; readonly buffer: ArrayBuffer | null; readonly commits: readonly WireCommit[] }
  /** The reading thread has checkpointed nearly everything: what came since is little, and then the WAL can begin anew. */
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'close' }

export type FromWriter =
  | ({ readonly kind: 'ready' } & Pick<OpenWriter, 'replayed' | 'damage' | 'keptBefore'> & WriterState)
  | { readonly kind: 'durable'; readonly outcomes: readonly CommitOutcome[] }
  | ({
      readonly kind: 'done'
      readonly outcomes: readonly CommitOutcome[]
      readonly changes: readonly Change[]
      readonly buffer: ArrayBuffer | null
      readonly late: number
      readonly walBytes: number
      readonly segment: number
      readonly position: number
    } & WriterState)
  | { readonly kind: 'broken'; readonly error: string }
  | { readonly kind: 'closed' }

/** Should the reading thread not keep up, the writer waits for a whole checkpoint itself at this size. */
const walMaxBytes = 128 * 1024 * 1024

const checkpointWaitMs = 100

const settings = dataOfThread<WriterSettings>()
const post = eachTask<ToWriter, FromWriter>(task)

let open: OpenWriter | undefined

/** Asking costs as much as a small insert; the size need not be known to the byte. */
const walAskedEvery = 16
let groups = 0
let walKnown = 0
let full = false

function walBytes(): number {
  if (groups++ % walAskedEvery !== 0) return walKnown
  askForRoom(open!)
  return (walKnown = walSize())
}

function askForRoom({ freeBytes, spareBytes, reserve }: OpenWriter): void {
  const free = freeBytes()
  full = free < spareBytes
  if (free > spareBytes + 2 * reserve.sizeBytes) reserve.keep()
}

function state({ writer }: OpenWriter): WriterState {
  full = writer.full ?? full
  return { behind: writer.behind, full, sequence: writer.sequence, incidents: writer.takeIncidents() }
}

function walSize(): number {
  return statSync(join(settings.folder, 'pennypost.db-wal'), { throwIfNoEntry: false })?.size ?? 0
}

function group(message: Extract<ToWriter, { kind: 'group' }>): void {
  const { writer, log, db } = open!
  const { outcomes, changes } = writer.group(message.buffer && Buffer.from(message.buffer), message.commits, (known) =>
    post({ kind: 'durable', outcomes: known }),
  )
  const { segment, position } = log.place
  const wal = walBytes()
  post(
    {
      kind: 'done',
      outcomes,
      changes,
      buffer: message.buffer,
      late: writer.late,
      walBytes: wal,
      segment,
      position,
      ...state(open!),
    },
    message.buffer ? [message.buffer] : [],
  )
  if (wal > walMaxBytes) {
    checkpoint(db, 'RESTART')
    walKnown = 0
  }
}

/** A long read (a backup, `verify`) can block a checkpoint: it is then done later instead of waiting. */
function checkpoint(db: Database, mode: 'RESTART' | 'TRUNCATE'): void {
  db.exec(`PRAGMA busy_timeout = ${checkpointWaitMs}`)
  db.exec(`PRAGMA wal_checkpoint(${mode})`)
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
}

function task(message: ToWriter): void {
  try {
    if (message.kind === 'group') return group(message)
    if (message.kind === 'checkpoint') return open!.db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    open?.writer.settle()
    if (open) checkpoint(open.db, 'TRUNCATE')
    open?.db.close()
    open?.log.close()
    post({ kind: 'closed' })
  } catch (error) {
    post({
      kind: 'broken',
      error: error instanceof WriterBroken ? error.message : String((error as Error).stack ?? error),
    })
  }
}

try {
  open = openWriter(settings.folder, settings)
  askForRoom(open)
  const { replayed, damage, keptBefore } = open
  post({ kind: 'ready', replayed, damage, keptBefore, ...state(open) })
} catch (error) {
  post({ kind: 'broken', error: (error as Error).message })
}
