/** Tools of the queue for sending: stored MTA-STS policies, TLS reports, and our own addresses. */
import type { Live } from '../base/live.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { HttpClient } from '../base/http-client.ts'
import { networksHold, parseIpNetwork } from '../base/ip-network.ts'
import type { Log } from '../base/log.ts'
import type { Resolver } from '../base/resolver.ts'
import type { Store } from '../store/store.ts'
import type { TlsNotes } from '../transport/smtp/tls-notes.ts'
import type { TransferOptions } from '../transport/options.ts'
import { notesWhile, TlsCounts } from '../transport/tls-report/counts.ts'
import { TlsReporter, type ReporterTools } from '../transport/tls-report/reporter.ts'
import { StsPolicies, type FoundPolicy } from '../trust/mta-sts/policies.ts'
import type { Listening } from './types.ts'

interface PolicyTools {
  readonly store: Store
  readonly resolver: Resolver
  readonly httpClient: HttpClient
  readonly clock: Clock
  readonly log: Log
  readonly options: Live<TransferOptions>
  readonly authorities: Live<readonly string[]>
}

/** How often policies older than a day are refreshed. RFC 8461 §10.2. */
const refreshEveryMs = 3600_000

/** MTA-STS policies, if enabled, kept in the store's settings. RFC 8461 §3.3. */
export function openPolicies(tools: PolicyTools): { of(domain: string): Promise<FoundPolicy>; readonly timer: Timer } {
  const { store, resolver, httpClient: http, clock, log, options, authorities } = tools
  const nameOf = (domain: string): string => `mta-sts ${domain}`
  const policies = new StsPolicies({
    resolver,
    http,
    clock,
    log,
    authorities,
    keep: {
      read: (domain) => store.read.setting(nameOf(domain)),
      write: async (domain, value) => void (await store.commit([{ kind: 'settingSet', name: nameOf(domain), value }])),
    },
  })
  let timer: Timer
  const again = (): void => {
    timer = clock.after(refreshEveryMs, () => {
      if (options.now.mtaSts)
        policies
          .refresh()
          .catch((error: unknown) => log.warn('MTA-STS policies could not be refreshed', { error: String(error) }))
      again()
    })
  }
  again()
  return {
    of: (domain) => (options.now.mtaSts ? policies.of(domain) : Promise.resolve({})),
    timer: { cancel: () => timer.cancel() },
  }
}

/** Whether an address of this host reaches one of our listeners. RFC 5321 §4.1.3. */
export function ownAddresses(
  listening: () => readonly Listening[],
  machine: () => readonly string[],
): (address: string) => boolean {
  const isSame = (one: string, other: string): boolean => {
    const network = parseIpNetwork(one)
    return network !== undefined && networksHold([network], other)
  }
  return (address) =>
    listening().some(({ address: own }) =>
      isAny(own) ? machine().some((one) => isSame(one, address)) : isSame(own, address),
    )
}

/** Whether an address and port reach our own SMTP listener: mail for such a host would loop. RFC 5321 §5.1. */
export function ownPlaces(
  listening: () => readonly Listening[],
  machine: () => readonly string[],
): (address: string, port: number) => boolean {
  return (address, port) =>
    listening().some(
      (own) =>
        own.service === 'smtp' &&
        own.port === port &&
        (own.address === address || (isAny(own.address) && machine().includes(address))),
    )
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}

const countsSetting = 'tls-reports'

/** Counts connections for TLS reports, and sends these each day. RFC 8460. */
export async function openReports(tools: Omit<ReporterTools, 'counts' | 'keep'>): Promise<{
  readonly notes: TlsNotes
  readonly reporter: TlsReporter
}> {
  const { store, clock, reports } = tools
  const counts = new TlsCounts(clock, await store.read.setting(countsSetting))
  const reporter = new TlsReporter({
    ...tools,
    counts,
    keep: async (value) => void (await store.commit([{ kind: 'settingSet', name: countsSetting, value }])),
  })
  reporter.start()
  return { notes: notesWhile(counts, () => reports.now.tls), reporter }
}
