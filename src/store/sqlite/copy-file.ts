/** Copies files so that they are whole and on disk under their name, or not there. */
import { constants, copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const unfinishedPrefix = 'unfinished-'
const sliceBytes = 1024 * 1024

/** @param bytes so many from the start; all of them when absent. @returns how many were copied. */
export async function copySynced(from: string, to: string, bytes?: number): Promise<number> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  const unfinished = join(dirname(to), `${unfinishedPrefix}${basename(to)}`)
  if (bytes === undefined) {
    // On a file system that can, the copy shares the blocks and takes no time.
    await copyFile(from, unfinished, constants.COPYFILE_FICLONE)
    await syncFile(unfinished)
  } else await copyStart(from, unfinished, bytes)
  await rename(unfinished, to)
  return bytes ?? (await stat(to)).size
}

async function copyStart(from: string, to: string, bytes: number): Promise<void> {
  const source = await open(from, 'r')
  try {
    const target = await open(to, 'w', 0o600)
    try {
      const slice = Buffer.allocUnsafe(Math.min(sliceBytes, Math.max(bytes, 1)))
      for (let at = 0; at < bytes;) {
        const { bytesRead } = await source.read(slice, 0, Math.min(slice.length, bytes - at), at)
        if (bytesRead === 0) throw new Error(`${from} ends before byte ${bytes}`)
        await target.write(slice, 0, bytesRead, at)
        at += bytesRead
      }
      await target.sync()
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Names in it survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Paths of all files below a folder, relative to it; none where it is not. */
export async function filesBelow(folder: string, prefix = ''): Promise<string[]> {
  const found: string[] = []
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const entry of entries) {
    const path = join(prefix, entry.name)
    if (entry.isDirectory()) found.push(...(await filesBelow(folder, path)))
    else if (entry.isFile()) found.push(path)
  }
  return found
}

/** Deletes the files of a folder that are not wanted any more. */
export async function removeUnwanted(folder: string, wanted: (path: string) => boolean): Promise<void> {
  for (const path of await filesBelow(folder)) if (!wanted(path)) await rm(join(folder, path), { force: true })
}
