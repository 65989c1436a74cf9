/** Where the files of large bodies lie. */
import { join } from 'node:path'

/** Large files are in 256 folders by the first letters of their name, so that no folder gets too large. */
export function largePath(folder: string, name: string): string {
  return join(folder, name.slice(0, 2), `${name}.eml`)
}
