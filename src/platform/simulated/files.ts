/** Files in memory. */
import type { Files } from '../../base/files.ts'

export function memoryFiles(files: Map<string, Uint8Array> = new Map()): Files {
  return {
    readPart: async (path, start, lengthMax) => files.get(path)?.subarray(start, start + lengthMax),
    read: async (path) => files.get(path),
    async write(path, bytes) {
      files.set(path, Uint8Array.from(bytes))
    },
    async append(path, bytes) {
      files.set(path, Buffer.concat([files.get(path) ?? new Uint8Array(0), bytes]))
    },
    async list(folder) {
      const names = [...files.keys()].filter((path) => path.startsWith(`${folder}/`))
      return [...new Set(names.map((path) => path.slice(folder.length + 1).split('/')[0]!))].sort()
    },
    sizeBytes: async (path) => files.get(path)?.length,
    async remove(path) {
      files.delete(path)
    },
    async rename(from, to) {
      const moved = [...files].filter(([path]) => path === from || path.startsWith(`${from}/`))
      for (const [path, bytes] of moved) {
        files.delete(path)
        files.set(to + path.slice(from.length), bytes)
      }
      return moved.length > 0
    },
  }
}
