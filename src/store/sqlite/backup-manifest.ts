/**
 * What a backup folder holds. Its newest whole generation is the one that `manifest.json` names; a backup that broke off changes nothing of it.
 *
 *   manifest.json           this file's `Manifest`, replaced in one step when everything that it names is on disk
 *   rows-G.db               the rows of generation G
 *   segments/NNNNNNNN-G.seg a segment, as generation G copied it; later ones name it again while it stays the same
 *   large/NN/ID.eml         bodies in files of their own, by the names that the rows know
 *   also/…                  small files beside the store that a restored system needs (certificates)
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DiskContents } from '../contents/reader.ts'

export interface BackedSegment {
  readonly segment: number
  /** Below `segments/`. */
  readonly file: string
  readonly bytes: number
  /** When its source last changed, in nanoseconds: what is as it was is not copied again. Absent: it still grew. */
  readonly changed?: string
}

export interface Manifest {
  readonly format: 1
  /** Names the store through all its backups: another one's must not be mixed in. */
  readonly store: string
  readonly generation: number
  readonly createdMs: number
  readonly rows: string
  readonly segments: readonly BackedSegment[]
  /** Paths below `also/`. */
  readonly also: readonly string[]
  readonly accounts: number
  readonly messages: number
  readonly bytes: number
}

export const manifestName = 'manifest.json'

/** What is wrong with a backup or its folder: a sentence with what to do. */
export class BackupFault extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'BackupFault'
  }
}

/** @returns undefined where no backup is. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  let text: string
  try {
    text = await readFile(join(folder, manifestName), 'utf8')
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
  let manifest: Manifest
  try {
    manifest = JSON.parse(text) as Manifest
  } catch {
    throw new BackupFault(`${join(folder, manifestName)} is damaged: take another backup`)
  }
  if (manifest.format !== 1) {
    throw new BackupFault(`${folder} was written by a newer Pennypost: restore it with that version`)
  }
  return manifest
}

/** The backup of a folder, or a fault. */
export async function needManifest(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder)
  if (!manifest) throw new BackupFault(`There is no backup in ${folder}: name the folder that "pennypost backup" wrote`)
  return manifest
}

/** Reads a backup's contents where they lie. */
export function backedContents(folder: string, { segments }: Manifest): DiskContents {
  const files = new Map(segments.map(({ segment, file }) => [segment, file]))
  return new DiskContents(folder, (segment) => files.get(segment) ?? `${segment}-missing.seg`)
}
