/** Starts the engine's threads, wherever the build has put their first files. */
import { existsSync } from 'node:fs'
import { startThreadAt, type Thread } from '../../platform/real/threads.ts'

/** How far up from this module the folder that holds `store/` may lie: bundles put shared code into chunks at their root. */
const levelsUp = 4

function locate(name: string): URL {
  let base = new URL('.', import.meta.url)
  for (let level = 0; level < levelsUp; level++) {
    for (const path of [
      `store/sqlite/${name}.worker.js`,
      `src/store/sqlite/${name}.worker.js`,
      `store/sqlite/${name}.worker.ts`,
    ]) {
      const url = new URL(path, base)
      if (existsSync(url)) return url
    }
    base = new URL('..', base)
  }
  throw new Error(`cannot find the first file of the thread ${name}`)
}

export function startThread(name: 'writer' | 'reader', data: unknown): Thread {
  return startThreadAt(locate(name), data)
}
