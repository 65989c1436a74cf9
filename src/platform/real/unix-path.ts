/** Paths of Unix sockets, which the system allows few bytes for. */
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** sun_path has 104 bytes on BSD and macOS and 108 on Linux, with a closing zero. */
const pathBytesMax = 103

/** Calls `use` with a path to the socket that the system can take: through a link with a short name where its own is too long. */
export async function withShortPath<T>(path: string, use: (path: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= pathBytesMax) return use(path)
  const short = await mkdtemp(join(tmpdir(), 'pennypost-'))
  try {
    await symlink(dirname(path), join(short, 'd'))
    return await use(join(short, 'd', basename(path)))
  } finally {
    await rm(short, { recursive: true, force: true })
  }
}
