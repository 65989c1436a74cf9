/** What the system says of a file or folder, as a sentence with what to do next. */
import { resolve } from 'node:path'
import { isAbsent } from '../platform/real/absent.ts'
import { folderFacts, ownName } from '../platform/real/privileges.ts'

interface SystemFault {
  readonly name?: string
  readonly code?: string
  readonly message: string
  readonly path?: string
  readonly syscall?: string
}

/** SQLite has no codes of the system in its words. */
const databaseRights = /unable to open database file|attempt to write a readonly database|readonly database/

/** @param data the data folder. @returns undefined for what is no matter of rights, place or room. */
export function fileFaultWords(error: unknown, data: string | undefined): string | undefined {
  const { code, message, path } = error as SystemFault
  const aboutDatabase = databaseRights.test(message)
  const isData = data !== undefined && (aboutDatabase || (path !== undefined && resolve(path).startsWith(data)))
  if (code === 'EROFS')
    return `${path ?? data} cannot be written: the file system is read-only. Use another folder with --data`
  if (code === 'ENOSPC') return `No space left on the disk${path === undefined ? '' : ` of ${path}`}`
  if (code !== 'EACCES' && code !== 'EPERM' && !isAbsent(error) && !aboutDatabase) return undefined
  if (isData) {
    const facts = folderFacts(data)
    if (facts === undefined) return `The data folder ${data} cannot be created (${message}): name another with --data`
    if (facts.isReadOnly) return `The data folder ${data} cannot be written: the file system is read-only`
    if (isAbsent(error)) return undefined
    if (ownName() === 'root')
      return `The data folder ${data} cannot be used by its user ${facts.owner} (${message}): that user needs access to every folder above it`
    if (facts.owner !== undefined && facts.owner !== ownName())
      return `The data folder ${data} belongs to the user ${facts.owner}, but you are ${ownName()}: run the command as that user, "sudo -u ${facts.owner} pennypost …"`
    return `The data folder ${data} cannot be used (${message}): give its user access to it, or use another folder with --data`
  }
  if (isAbsent(error) || path === undefined) return undefined
  return `${path} cannot be read by the user ${ownName()}: give that user read access, for example through a group (${message})`
}
