// The files of the tree.
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Every `.ts` file under a folder, from the root of the tree. */
export function filesUnder(folder, found = []) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) filesUnder(path, found)
    else if (entry.name.endsWith('.ts')) found.push(path)
  }
  return found
}
