/** Prepares the next segment off the writer's thread: zeros written, not merely promised, so that later syncs change no metadata. */
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { preparedName } from './log.ts'

const sliceBytes = 1024 * 1024

/** @throws where a file cannot be written, and when `signal` is aborted: nothing is left then. */
export async function prepareSegment(folder: string, segmentBytes: number, signal?: AbortSignal): Promise<void> {
  const unfinished = join(folder, 'preparing.seg')
  const zeros = Buffer.alloc(sliceBytes)
  try {
    const file = await open(unfinished, 'w')
    try {
      // Synced slice by slice: one large sync at the end would make the writer's own syncs wait behind it.
      for (let at = 0; at < segmentBytes; at += sliceBytes) {
        signal?.throwIfAborted()
        await file.write(zeros, 0, Math.min(sliceBytes, segmentBytes - at), at)
        if (at % (8 * sliceBytes) === 0) await file.datasync()
      }
      await file.sync()
    } finally {
      await file.close()
    }
    signal?.throwIfAborted()
    await rename(unfinished, join(folder, preparedName))
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}
