/**
 * Several nodes on one engine, each behind a link as a network would be: every value is copied, reads take their time, and news of the other
 * nodes' commits is lost, comes twice, late and in another order. News of a node's own commits comes before their answers.
 */
import type { Change } from '../changes.ts'
import type { EngineRows, StoreEngine } from '../engine.ts'

/** What may happen to news, in hundredths. */
export interface Weather {
  readonly lost: number
  readonly twice: number
  readonly late: number
}

export const fairWeather: Weather = { lost: 0, twice: 0, late: 0 }
export const foulWeather: Weather = { lost: 30, twice: 20, late: 30 }

interface LinkOptions {
  /** A number from 0 to `below`. */
  readonly random: (below: number) => number
  readonly weather: Weather
  readonly later: () => Promise<void>
}

/** Hands out links to an engine that has no node yet. */
export function linksTo(engine: StoreEngine, options: LinkOptions): () => StoreEngine {
  const links = new Set<Link>()
  let newest: readonly Change[] = []
  engine.attach((changes) => {
    newest = changes
    for (const link of links) link.news(changes)
  })
  return () => {
    const link = new Link(options)
    links.add(link)
    return {
      ...engine,
      newsMayBeLost: true,
      rows: overLink(engine.rows, options),
      attach: (changed) => (link.changed = changed),
      async commit(operations) {
        link.commits++
        try {
          const results = await engine.commit(operations, { until: 'visible' })
          // The answer comes straight behind the news of its group.
          await link.changed(structuredClone(newest))
          return structuredClone(results)
        } finally {
          link.commits--
        }
      },
      async close() {
        links.delete(link)
        if (links.size === 0) await engine.close()
      },
    }
  }
}

class Link {
  readonly #options: LinkOptions
  readonly #late: (readonly Change[])[] = []
  changed: (changes: readonly Change[]) => Promise<unknown> | void = () => {}
  /** Of this node, under way. */
  commits = 0

  constructor(options: LinkOptions) {
    this.#options = options
  }

  news(changes: readonly Change[]): void {
    const { random, weather } = this.#options
    const { lost, twice, late } = weather
    const fate = random(100)
    const copy = structuredClone(changes)
    if (fate < lost) return
    if (fate < lost + late) this.#late.push(copy)
    else {
      void this.changed(copy)
      if (fate < lost + late + twice) this.#late.push(copy)
    }
    // In any order, some time.
    while (this.#late.length > 0 && random(3) === 0)
      void this.changed(this.#late.splice(random(this.#late.length), 1)[0]!)
  }
}

/** Values are copied; what reads bytes is handed on, since bytes do not change. */
function overLink(rows: EngineRows, { later }: LinkOptions): EngineRows {
  const asItIs = new Set<PropertyKey>(['upToDate', 'rows', 'queuedContent'])
  return new Proxy(rows, {
    get(target, name, receiver) {
      const read: unknown = Reflect.get(target, name, receiver)
      if (typeof read !== 'function') return read
      const bound = read.bind(target) as (...asked: unknown[]) => unknown
      if (asItIs.has(name)) return bound
      if (name === 'changes')
        return async function* (...asked: unknown[]) {
          for await (const page of bound(...asked) as AsyncIterable<unknown>) {
            await later()
            yield structuredClone(page)
          }
        }
      return async (...asked: unknown[]) => {
        // An abort signal is not a value.
        const result = structuredClone(await bound(...asked))
        await later()
        return result
      }
    },
  })
}
