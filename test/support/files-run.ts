/** Which files of `src/` ran code in a stretch of a test: by V8's exact counts of calls, and the source maps of the bundled tests. */
import { readFileSync } from 'node:fs'
import { Session, type Profiler } from 'node:inspector'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = process.env['PENNYPOST_ROOT']!

/** A bundled file: where its lines begin, and what they were made of. */
class Bundled {
  readonly #folder: string
  readonly #lines: readonly number[]
  readonly #map: SourceMap
  readonly #payload: SourceMapPayload
  readonly length: number

  constructor(path: string, text: string, payload: SourceMapPayload) {
    this.#folder = dirname(path)
    this.length = text.length
    this.#payload = payload
    this.#map = new SourceMap(payload)
    const lines = [0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.push(at + 1)
    this.#lines = lines
  }

  static read(path: string): Bundled | undefined {
    const text = readFileSync(path, 'utf8')
    const map = /\n\/\/# sourceMappingURL=data:application\/json;base64,([\w+/=]+)\s*$/.exec(text)?.[1]
    return map === undefined ? undefined : new Bundled(path, text, JSON.parse(Buffer.from(map, 'base64').toString()))
  }

  /** Below the root of the repository. */
  sourceAt(offset: number): string | undefined {
    let [low, high] = [0, this.#lines.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#lines[middle]! <= offset) low = middle
      else high = middle
    }
    const entry = this.#map.findEntry(low, offset - this.#lines[low]!)
    if (!('originalSource' in entry)) return undefined
    const source = this.#payload.sources.find((one) => entry.originalSource.endsWith(one))
    return source === undefined ? undefined : relative(root, resolve(this.#folder, source))
  }
}

const bundled = new Map<string, Bundled | undefined>()

function bundledAt(url: string): Bundled | undefined {
  if (!url.startsWith('file:')) return undefined
  if (!bundled.has(url)) bundled.set(url, Bundled.read(fileURLToPath(url)))
  return bundled.get(url)
}

/**
 * Begins to count. A function counts where it was called since then; one that only goes on behind an `await`, or the top of a module,
 * does not.
 * @returns how to end: synchronously, so that nothing more is counted; with the files below `src/`, sorted.
 */
export function countFilesRun(): () => readonly string[] {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  return () => {
    let found: readonly Profiler.ScriptCoverage[] | undefined
    // A session of the same thread answers before `post` returns.
    session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error
      found = answer.result
    })
    session.post('Profiler.stopPreciseCoverage')
    session.disconnect()
    if (!found) throw new Error('the counts came late')
    const files = new Set<string>()
    for (const { url, functions } of found) {
      const called = functions.filter(({ ranges }) => ranges[0]!.count > 0)
      const file = called.length > 0 ? bundledAt(url) : undefined
      if (!file) continue
      for (const { ranges } of called) {
        const { startOffset, endOffset } = ranges[0]!
        if (startOffset === 0 && endOffset === file.length) continue
        const source = file.sourceAt(startOffset)
        if (source?.startsWith('src/')) files.add(source)
      }
    }
    return [...files].sort()
  }
}
