/** The machine's files. */
import { appendFile, chmod, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Files } from '../../base/files.ts'
import { isAbsent } from './absent.ts'

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

async function readPart(path: string, start: number, lengthMax: number): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const bytes = new Uint8Array(Math.max(0, Math.min(lengthMax, size - start)))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

export const realFiles: Files = {
  read: (path) => unlessMissing(readFile(path)),
  readPart: (path, start, lengthMax) => unlessMissing(readPart(path, start, lengthMax)),
  async write(path, bytes, options = {}) {
    const made = await mkdir(dirname(path), { recursive: true })
    const unfinished = `${path}.${process.pid}.new`
    await writeFile(unfinished, bytes, { mode: options.secret ? 0o600 : 0o644, flush: true })
    if (options.shared) {
      // Whatever the umask.
      await chmod(unfinished, 0o644)
      for (let above = dirname(path); made !== undefined && above.startsWith(made); above = dirname(above))
        await chmod(above, 0o755)
    }
    await rename(unfinished, path)
  },
  async append(path, bytes) {
    await mkdir(dirname(path), { recursive: true })
    await appendFile(path, bytes)
  },
  list: async (folder) => (await unlessMissing(readdir(folder)))?.sort() ?? [],
  sizeBytes: async (path) => (await unlessMissing(stat(path)))?.size,
  remove: (path) => rm(path, { force: true }),
  rename: async (from, to) => (await unlessMissing(rename(from, to).then(() => true))) ?? false,
}
