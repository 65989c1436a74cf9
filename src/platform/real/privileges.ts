/** Being root for as long as ports below 1024 need it, and not a moment longer. */
import { chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { holdPort } from './held-ports.ts'

/** Node has it wherever it has setuid; its types do not know. */
function initgroups(user: string, group: number): void {
  ;(process as unknown as { initgroups(user: string, group: number): void }).initgroups(user, group)
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** The numbers of a user and his group, found by becoming him for a moment. Throws when there is no such user. */
function identity(user: string, group: string | undefined): { uid: number; gid: number } {
  process.seteuid!(user)
  const uid = process.geteuid!()
  process.seteuid!(0)
  if (group === undefined) {
    const before = process.getgroups!()
    // Only initgroups knows a user's own group: it comes first.
    initgroups(user, 0)
    const gid = process.getgroups!().find((one) => one !== 0) ?? uid
    process.setgroups!(before)
    return { uid, gid }
  }
  process.setegid!(group)
  const gid = process.getegid!()
  process.setegid!(0)
  return { uid, gid }
}

export interface Places {
  readonly listeners: readonly { readonly address: string; readonly port: number }[]
  /** Folders that must be the user's: made if they miss, given to him if they are new or empty of others' work. */
  readonly folders: readonly string[]
}

/** Makes folders that belong to a user; with `contents`, what root made in them as well. Throws when there is no such user. */
export function giveFolders(user: string, folders: readonly string[], contents = false): void {
  const { uid, gid } = identity(user, undefined)
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true, mode: 0o750 })
    chownSync(folder, uid, gid)
    if (!contents) continue
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
      chownSync(join(folder, name), uid, gid)
  }
}

/** Binds the ports, gives the folders, and becomes `user` for good. */
export async function becomeUser(user: string, group: string | undefined, places: Places): Promise<void> {
  const { uid, gid } = identity(user, group)
  if (uid === 0) throw new Error(`the user "${user}" is root: name another one`)
  for (const { address, port } of places.listeners) if (port !== 0) await holdPort(address, port)
  for (const folder of places.folders) {
    const made = mkdirSync(folder, { recursive: true, mode: 0o750 }) !== undefined
    // One that root made by hand for us; its contents are nobody's yet, or the user's already.
    if (made || statSync(folder).uid === 0) chownSync(folder, uid, gid)
  }
  initgroups(user, gid)
  process.setgid!(gid)
  process.setuid!(uid)
  if (process.getuid!() === 0 || process.geteuid!() === 0) throw new Error('still root')
}
