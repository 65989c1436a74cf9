/** Frees disk space: unreferenced rows, files without a row, segments that are mostly dead. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sleep, type Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { segmentBytes, segmentName } from '../contents/log.ts'
import { timePrefix } from '../arrival-id.ts'
import type { ContentFiles } from '../contents/reader.ts'
import { largePath } from '../contents/large-path.ts'
import { dayMs, expungedKeepDays, ledgerKeepDays } from '../keeping.ts'
import type { EngineOperation, ResultOf } from '../operations.ts'
import { StoreFault, type SweepReport } from '../store.ts'
import type { Batcher } from './batcher.ts'
import type { Database } from './driver.ts'
import { forgetOldCopies } from './before-migration.ts'
import { removeOrphans } from './orphans.ts'
import { sourceOf } from './reads.ts'

/** Rows of each kind in one commit: a step of a few milliseconds, so that mail does not wait behind it. */
const rowsMax = 500
/** A segment with a smaller live share is emptied: its live contents are moved to the log's end. */
const liveShareMin = 0.5
const relocateBytes = 2 * 1024 * 1024
/** How long freed places are left: a reader may still be using one. */
const readersGraceMs = 30_000

export interface SweepTools {
  readonly batcher: Batcher
  readonly files: ContentFiles
  readonly reads: Database
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  readonly nowMs: number
  /** Aborted when the store is closed: the sweep ends at its next step, and a later one continues. */
  readonly signal: AbortSignal
}

export async function sweepStep(tools: SweepTools): Promise<SweepReport> {
  const { batcher, nowMs, folder, signal } = tools
  let contentsFreed = 0
  let expungedForgotten = 0
  const files: string[] = []
  for (;;) {
    const [result] = (await batcher.commit(
      [
        {
          kind: 'sweepRows',
          limit: rowsMax,
          expungedBeforeMs: nowMs - expungedKeepDays * dayMs,
          ledgerBefore: timePrefix(nowMs - ledgerKeepDays * dayMs),
        },
      ],
      'visible',
    )) as [{ files: string[]; contents: number; expunged: number; more: boolean }]
    files.push(...result.files)
    contentsFreed += result.contents
    expungedForgotten += result.expunged
    if (!result.more || signal.aborted) break
  }
  if (folder === ':memory:') return { contentsFreed, expungedForgotten, segmentsFreed: 0, movedToLost: 0 }
  const emptied = await emptySegments(tools)
  if (files.length > 0 || emptied.length > 0) await sleep(tools.clock, readersGraceMs, signal)
  for (const file of files) await rm(largePath(join(folder, 'large'), file), { force: true })
  for (const segment of emptied) {
    tools.files.forget(segment)
    await rm(join(folder, 'segments', segmentName(segment)), { force: true })
  }
  await forgetOldCopies(folder, tools.nowMs)
  const { removed, movedToLost } = await removeOrphans(tools)
  contentsFreed += removed
  return { contentsFreed, expungedForgotten, segmentsFreed: emptied.length, movedToLost }
}

/**
 * Moves live contents of mostly dead segments to the log's end; returns the segments that are empty then and older than the log's position.
 */
async function emptySegments(tools: SweepTools): Promise<readonly number[]> {
  const { batcher, reads, log, signal } = tools
  // Only segments before the log's synced position: later ones may have to be replayed.
  const { segment: current } = reads.prepare('SELECT segment FROM log').get() as unknown as { segment: number }
  const candidates = reads
    .prepare(
      'SELECT segment, liveBytes FROM segmentUse WHERE segment < ? AND liveBytes < ? AND segment NOT IN (SELECT segment FROM quarantine) ORDER BY segment LIMIT 16',
    )
    .all(current, segmentBytes * liveShareMin)
  const emptied: number[] = []
  for (const row of candidates) {
    const segment = row['segment'] as number
    try {
      while (await movePart(tools, segment)) if (signal.aborted) return []
      emptied.push(segment)
    } catch (error) {
      if (error instanceof StoreFault) throw error
      // Unreadable contents are left in place, with their segment: they may become readable again.
      log.warn('segment not reclaimed: part of it cannot be read', { segment, error: String(error) })
    }
  }
  if (emptied.length === 0) return []
  // One synced commit: the rows' new places and the log's position are on disk before the old bytes go.
  const [gone] = await batcher.commit([{ kind: 'segmentsGone', segments: emptied }], 'visible')
  return (gone as ResultOf<Extract<EngineOperation, { kind: 'segmentsGone' }>>).segments
}

/** @returns false if nothing of the segment is left. */
async function movePart({ batcher, files, reads }: SweepTools, segment: number): Promise<boolean> {
  const contents = reads
    .prepare(
      'SELECT id, segment, position, file, size AS contentSize FROM content WHERE segment = ? ORDER BY position LIMIT 200',
    )
    .all(segment)
  if (contents.length === 0) return false
  const ids: number[] = []
  const bytes: Uint8Array[] = []
  let sum = 0
  for (const content of contents) {
    if (sum >= relocateBytes) break
    const source = sourceOf(content)
    ids.push(content['id'] as number)
    bytes.push(await files.read(source, 0, source.sizeBytes))
    sum += source.sizeBytes
  }
  await batcher.relocate(segment, ids, bytes)
  return true
}
