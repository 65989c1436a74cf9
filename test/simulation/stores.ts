/** The store of a simulated system: the seed says on which engine it stands, so that all of them are under each kind of load. */
import type { Clock } from '../../src/base/clock.ts'
import type { Log } from '../../src/base/log.ts'
import { seededRandom } from '../../src/platform/simulated/random.ts'
import { foulWeather, linksTo } from '../../src/store/conformance/link.ts'
import { referenceEngine } from '../../src/store/memory/memory-engine.ts'
import { nodeStore } from '../../src/store/node/node-store.ts'
import { engineInMemory, openStore } from '../../src/store/sqlite/engine.ts'
import type { Store } from '../../src/store/store.ts'

interface Place {
  readonly clock: Clock
  readonly log: Log
}

const engines: readonly ((place: Place, seed: number) => Promise<Store>)[] = [
  ({ clock, log }) => openStore({ folder: ':memory:', clock, log }),
  ({ clock }) => nodeStore(referenceEngine(clock), clock),
  // Values are copied, reads take their time, and news comes twice, late and in another order. Its own news a node always hears: it need not look for more.
  ({ clock, log }, seed) => {
    const random = seededRandom(seed)
    const later = async (): Promise<void> => {
      // The simulated clock stands still meanwhile.
      for (let n = random.below(20); n > 0; n--) await undefined
    }
    const link = linksTo(engineInMemory({ clock, log }), {
      random: (below) => random.below(below),
      weather: foulWeather,
      later,
    })
    return nodeStore({ ...link(), newsMayBeLost: false }, clock)
  },
]

export function simulatedStore(place: Place, seed: number): Promise<Store> {
  return engines[seed % engines.length]!(place, seed)
}
