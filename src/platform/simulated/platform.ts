/** The outside world in memory: what `startSystem` needs, without a machine. */
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { SimulatedClock } from './clock.ts'
import { memoryFiles } from './files.ts'
import type { SimulatedInternet } from './network.ts'
import { simulatedResolver, type SimulatedZone } from './resolver.ts'

export interface SimulatedMachine {
  readonly clock: SimulatedClock
  readonly random: Random
  readonly internet: SimulatedInternet
  readonly zone: SimulatedZone
  readonly log: Log
  /** The machine's one address. */
  readonly address: string
}

export function simulatedPlatform({ clock, random, internet, zone, log, address }: SimulatedMachine) {
  return {
    clock,
    random,
    network: internet.at(address),
    // Pages are read by people; the simulated internet carries mail.
    http: { listen: () => Promise.reject(new Error('no http in the simulated world')) },
    files: memoryFiles(),
    resolver: simulatedResolver(zone),
    ownAddresses: () => [address],
    log,
    httpClient: { ask: () => Promise.reject(new Error('no http in the simulated world')) },
    openTls: async () => ({ names: [], forUsers: { names: [] }, shown: () => undefined, reload: async () => {} }),
  }
}
