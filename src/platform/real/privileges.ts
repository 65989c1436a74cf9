/** Being root for as long as ports below 1024 need it, and not a moment longer; and whose the files are that root makes. */
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

/** Node has it wherever it has setuid; its types do not know. */
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

/** The numbers of a user and its own group, or `group`; found by becoming it for a moment. Throws when there is no such user. */
export function identityOf(user: string, group?: string): Identity {
  process.seteuid!(user)
  // The group of the user's entry in the table of users: the kernel knows nothing of it, and the number of the user is another one's group.
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

/** Makes a folder, whatever the umask, and gives it with what root made in it; what others made in it stays theirs. */
function giveFolder({ path, mode }: Folder, owner: Identity): void {
  const made = mkdirSync(path, { recursive: true, mode })
  // Folders on the way to it are for everybody to pass through.
  for (let above = dirname(path); made !== undefined && above.startsWith(made); above = dirname(above))
    chmodSync(above, 0o755)
  if (made !== undefined) chmodSync(path, mode)
  if (statSync(path).uid !== 0) return
  giveTree(path, owner)
}

/** Gives what belongs to root, a folder and all below it; links themselves, never what they lead to. */
export function giveTree(path: string, { uid, gid }: Identity): void {
  const status = lstatSync(path)
  if (status.isDirectory()) for (const name of readdirSync(path)) giveTree(join(path, name), { uid, gid })
  if (status.uid === 0) lchownSync(path, uid, gid)
}

/** undefined where there is nothing. */
export function ownerOf(path: string): Identity | undefined {
  try {
    const { uid, gid } = statSync(path)
    return { uid, gid }
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** The name in the table of users; its number where it has none, as in a container. */
function nameOf(uid: number): string {
  try {
    const rows = readFileSync('/etc/passwd', 'utf8').split('\n')
    const row = rows.map((line) => line.split(':')).find((fields) => fields[2] === String(uid))
    return row?.[0] ?? String(uid)
  } catch {
    return String(uid)
  }
}

/** The user that we act as. */
export function ownName(): string {
  return nameOf(process.geteuid?.() ?? 0)
}

/** Of a folder that makes trouble: whose it is, and whether its disk can be written at all. undefined where there is none. */
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

/** Makes folders that belong to a user, with what root made in them. Throws when there is no such user. */
export function giveFolders(user: string, folders: readonly Folder[]): void {
  const owner = identityOf(user)
  for (const folder of folders) giveFolder(folder, owner)
}

/**
 * A command of root works in a folder as its owner does: what it makes there is the service's to use. Nothing changes for others, or where
 * there is no folder. @returns how to be root again.
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

/** Binds the ports, gives the folders, and becomes `user` for good. */
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
