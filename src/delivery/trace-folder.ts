/** The folder of the trace in the data folder, and its name up to version 0.4. docs/architecture.md §9. */
import type { Files } from '../base/files.ts'
import type { Log } from '../base/log.ts'

const present = 'trace'
const former = 'journey'

/** For commands that only read: the folder of an earlier version, as long as no server has started since. */
export async function findTraceFolder(files: Files, data: string): Promise<string> {
  const folder = `${data}/${present}`
  const old = `${data}/${former}`
  const isOld = (await files.list(folder)).length === 0 && (await files.list(old)).length > 0
  return isOld ? old : folder
}

/**
 * At the start of a server: renames the folder of an earlier version. If both are there, since an earlier version ran
 * again in between, its lines are added to those of the same days.
 * @returns the folder to write to: under the old name if it cannot be renamed, such as a mount point.
 */
export async function openTraceFolder(files: Files, data: string, log: Log): Promise<string> {
  const folder = `${data}/${present}`
  const old = `${data}/${former}`
  const names = await files.list(old)
  if (names.length === 0) return folder
  try {
    if ((await files.list(folder)).length === 0) await files.rename(old, folder)
    else for (const name of names) await addTo(files, `${old}/${name}`, `${folder}/${name}`)
    log.info('trace folder renamed', { from: `${former}/`, to: `${present}/`, files: names.length })
    return folder
  } catch (error) {
    log.warn('trace folder could not be renamed', { from: `${former}/`, to: `${present}/`, error: String(error) })
    return (await files.list(folder)).length === 0 ? old : folder
  }
}

async function addTo(files: Files, from: string, to: string): Promise<void> {
  if ((await files.sizeBytes(to)) === undefined) return void (await files.rename(from, to))
  const bytes = await files.read(from)
  if (bytes) await files.append(to, bytes)
  await files.remove(from)
}
