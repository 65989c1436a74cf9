/** Drops root once the ports below 1024 are bound; sets the owner of files that root creates. */
import {
  accessSync,
  chmodSync,
  constants,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { isAbsent } from './absent.ts'
import { holdPort } from './held-ports.ts'

/** Exists wherever setuid does; missing in Node's types. */
function initgroups(user: string | number, group: number): void {
  ;(process as unknown as { initgroups(user: string | number, group: number): void }).initgroups(user, group)
}

export function isRoot(): boolean {
  return process.getuid?.() === 0 && process.geteuid?.() === 0
}

export interface Identity {
  readonly uid: number
  readonly gid: number
}

/** The ids of a user and its primary group, or `group`; found by switching to the user for a moment. Throws for an unknown user. */
export function identityOf(user: string, group?: string): Identity {
  process.seteuid!(user)
  // The primary group from the user database: the kernel does not know it, and the group with the user's number may be another one.
  const { uid, gid } = userInfo()
  process.seteuid!(0)
  if (group === undefined) return { uid, gid }
  process.setegid!(group)
  const given = process.getegid!()
  process.setegid!(0)
  return { uid, gid: given }
}

/** A folder that the service needs: the data folder is for its user alone, that of a socket for every user of the machine. */
export interface Folder {
  readonly path: string
  readonly mode: 0o700 | 0o755
}

/** Creates a folder, whatever the umask, and changes the owner of it and of root's files in it; files of other users stay theirs. */
function giveFolder({ path, mode }: Folder, owner: Identity): void {
  const made = mkdirSync(path, { recursive: true, mode })
  // All users may pass through the parent folders.
  for (let above = dirname(path); made !== undefined && above.startsWith(made); above = dirname(above))
    chmodSync(above, 0o755)
  if (made !== undefined) chmodSync(path, mode)
  if (statSync(path).uid !== 0) return
  giveTree(path, owner)
}

/** Changes the owner of everything of root's at and below a path; of links themselves, never of their targets. */
export function giveTree(path: string, { uid, gid }: Identity): void {
  const status = lstatSync(path)
  if (status.isDirectory()) for (const name of readdirSync(path)) giveTree(join(path, name), { uid, gid })
  if (status.uid === 0) lchownSync(path, uid, gid)
}

/** undefined if there is no such file. */
export function ownerOf(path: string): Identity | undefined {
  try {
    const { uid, gid } = statSync(path)
    return { uid, gid }
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** The name in the user database; the number if there is none, as in a container. */
function nameOf(uid: number): string {
  try {
    const rows = readFileSync('/etc/passwd', 'utf8').split('\n')
    const row = rows.map((line) => line.split(':')).find((fields) => fields[2] === String(uid))
    return row?.[0] ?? String(uid)
  } catch {
    return String(uid)
  }
}

/** The name of the effective user. */
export function ownName(): string {
  return nameOf(process.geteuid?.() ?? 0)
}

/** About a folder that cannot be used: its owner, and whether its disk is writable at all. undefined if there is none. */
export function folderFacts(
  path: string,
): { readonly owner: string | undefined; readonly isReadOnly: boolean } | undefined {
  try {
    const { uid } = statSync(path)
    let isReadOnly = false
    try {
      accessSync(path, constants.W_OK)
    } catch (error) {
      isReadOnly = (error as { code?: string }).code === 'EROFS'
    }
    return { owner: nameOf(uid), isReadOnly }
  } catch {
    return undefined
  }
}

/** Creates folders for a user, who also gets root's files in them. Throws for an unknown user. */
export function giveFolders(user: string, folders: readonly Folder[]): void {
  const owner = identityOf(user)
  for (const folder of folders) giveFolder(folder, owner)
}

/**
 * A command run by root acts as the owner of the folder, so that the service can use the files it creates. No effect for other users, or
 * without the folder. @returns a function that switches back to root.
 */
export function actAsOwnerOf(folder: string): () => void {
  if (!isRoot()) return () => {}
  const { uid, gid } = ownerOf(folder) ?? { uid: 0, gid: 0 }
  if (uid === 0) return () => {}
  const groups = process.getgroups!()
  process.setgroups!([gid])
  process.setegid!(gid)
  process.seteuid!(uid)
  return () => {
    process.seteuid!(0)
    process.setegid!(0)
    process.setgroups!(groups)
  }
}

export interface Places {
  readonly listeners: readonly { readonly address: string; readonly port: number }[]
  readonly folders: readonly Folder[]
}

/** Binds the ports, prepares the folders, and switches to `user` for good. */
export async function becomeUser(user: string, group: string | undefined, places: Places): Promise<void> {
  const owner = identityOf(user, group)
  const { uid, gid } = owner
  if (uid === 0) throw new Error(`the user "${user}" is root: name another one`)
  for (const { address, port } of places.listeners) if (port !== 0) await holdPort(address, port)
  for (const folder of places.folders) giveFolder(folder, owner)
  initgroups(user, gid)
  process.setgid!(gid)
  process.setuid!(uid)
  if (process.getuid!() === 0 || process.geteuid!() === 0) throw new Error('still root')
}
