/** Brings a whole store back from its backup: beside the place first, checked there, then put into it. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { segmentName } from '../contents/log.ts'
import { own } from '../owner.ts'
import { BackupFault, needManifest } from './backup-manifest.ts'
import { copySynced, filesBelow, syncFolder } from './copy-file.ts'
import { openDatabase } from './driver.ts'
import { holdQueue, rebase } from './rebase.ts'
import { migrate } from './schema.ts'
import { verifyFolder, type VerifyReport } from './verify.ts'

export interface RestoreOptions {
  readonly nowMs: number
  /** What is there is moved aside. */
  readonly force?: boolean
  /** Puts the store into its place although faults were found. */
  readonly damaged?: boolean
  readonly holdQueue?: boolean
  readonly progress?: (bytes: number, bytesInAll: number) => void
}

export interface RestoreReport {
  readonly createdMs: number
  readonly accounts: number
  readonly messages: number
  readonly bytes: number
  /** Recipients that wait in the queue again, and those of them that are held now. */
  readonly queued: number
  readonly held: number
  /** Where the store went that was there before. */
  readonly movedTo?: string
  readonly verified: VerifyReport
}

/** Throws OwnedElsewhere where a server runs. */
export async function restoreFolder(
  backup: string,
  dataFolder: string,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const from = resolve(backup)
  const folder = resolve(dataFolder)
  const manifest = await needManifest(from)
  const wasThere = existsSync(folder)
  if (wasThere && (await isUsed(folder)) && !options.force) {
    throw new BackupFault(
      `There is something in ${folder} already: take --force to move it aside, or another folder with --data`,
    )
  }
  // Held for the whole time, so that no server can be started here meanwhile.
  const ownership = own(folder)
  try {
    const beside = `${folder}.restoring`
    await rm(beside, { recursive: true, force: true })
    await mkdir(beside, { recursive: true, mode: 0o700 })
    let bytes = 0
    const copied = async (path: string, to: string, size?: number): Promise<void> => {
      bytes += await copySynced(join(from, path), join(beside, to), size)
      options.progress?.(bytes, manifest.bytes)
    }
    await copied(manifest.rows, 'pennypost.db')
    await mkdir(join(beside, 'segments'), { recursive: true })
    for (const one of manifest.segments) {
      await copied(
        join('segments', one.file),
        join('segments', segmentName(one.segment)),
        one.changed === undefined ? one.bytes : undefined,
      )
    }
    for (const path of await filesBelow(join(from, 'large'))) await copied(join('large', path), join('large', path))
    for (const path of manifest.also) await copied(join('also', path), path)
    const counts = prepareRows(join(beside, 'pennypost.db'), options)
    const verified = verifyFolder(beside)
    if (verified.faultsInAll > 0 && !options.damaged) {
      throw new BackupFault(
        `The backup has ${verified.faultsInAll} faults (${verified.faults[0]!.text}): nothing was changed. Take an earlier backup, or --damaged to use it all the same; "pennypost verify --data ${beside}" tells all of them`,
      )
    }
    const movedTo = await putInPlace(beside, folder, options.nowMs)
    const { createdMs, accounts, messages } = manifest
    return { createdMs, accounts, messages, bytes, ...counts, movedTo, verified }
  } finally {
    ownership.release()
  }
}

/** What ownership leaves in a folder does not count. */
async function isUsed(folder: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => !name.startsWith('owner.'))
}

function prepareRows(path: string, { nowMs, holdQueue: hold }: RestoreOptions): { queued: number; held: number } {
  const db = openDatabase(path)
  try {
    migrate(db)
    rebase(db, nowMs)
    const held = hold ? holdQueue(db) : 0
    return { queued: db.prepare('SELECT count(*) AS n FROM recipient').get()!['n'] as number, held }
  } finally {
    db.close()
  }
}

/** @returns where that went which was there. */
async function putInPlace(beside: string, folder: string, nowMs: number): Promise<string | undefined> {
  await syncFolder(beside)
  const used = await isUsed(folder)
  const aside = `${folder}.before-restore-${new Date(nowMs).toISOString().replace(/[:.]/g, '-')}`
  try {
    await rename(folder, aside)
  } catch (error) {
    throw new BackupFault(
      `${folder} cannot be moved aside (${(error as Error).message}): where it is a mount point, restore with --data into a folder below it, and give that as "data" in the configuration. The restored store waits in ${beside}`,
    )
  }
  await rename(beside, folder)
  await syncFolder(dirname(folder))
  if (used) return aside
  await rm(aside, { recursive: true, force: true })
  return undefined
}
