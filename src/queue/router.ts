/** Where a parcel goes: its hosts, the site that they are, and what the configuration says of it. */
import type { AttemptResult } from '../transport/smtp/smtp.ts'
import { failedDestination, localDestination, type TransferTools } from '../delivery/file.ts'
import type { DestinationRule, TransferOptions } from './options.ts'
import { routeTo, type RouteTools } from '../transport/route.ts'
import { ruleFor, siteName, type Batch, type Sites } from './next-hops.ts'
import type { Way } from './transfers.ts'

export type DirectionsTools = Pick<TransferTools, 'clock' | 'random'> & { readonly options: TransferOptions } & Pick<
    RouteTools,
    'routes' | 'isOurs' | 'resolver'
  > & {
    readonly rules: readonly DestinationRule[]
  }

/** Ours beyond `fileNowMax`, and what an operator gave up: sites without hosts. */
export const nowhere: ReadonlySet<string> = new Set([localDestination, failedDestination])

export class Directions {
  readonly #tools: DirectionsTools
  readonly #routing: RouteTools
  readonly #sites: Sites

  constructor(tools: DirectionsTools, sites: Sites) {
    this.#tools = tools
    this.#routing = routingOf(tools)
    this.#sites = sites
  }

  /** @returns why there is none, if so. */
  async wayOf({ destination, rows }: Batch): Promise<Way | AttemptResult> {
    const { options, clock, rules } = this.#tools
    const perSite = options.transfersPerDestinationMax
    if (nowhere.has(destination)) return { site: this.#sites.of(destination, perSite), hosts: [], rule: undefined }
    const { reversePath, acceptedAtMs } = rows[0]!
    const routed = await routeTo(this.#routing, destination, reversePath, clock.now() - acceptedAtMs)
    if (routed.kind !== 'hosts') {
      const { enhanced, code, text } = routed.status
      return { kind: routed.kind, enhanced, words: `${code} ${enhanced} ${text}` }
    }
    // A last resort says nothing of whose site it is, unless there is nothing else.
    const own = routed.hosts.filter(({ fallback }) => !fallback)
    const named = own.length > 0 ? own : routed.hosts
    const rule = ruleFor(rules, destination, named)
    const site = this.#sites.of(siteName(named, rule), rule?.connectionsMax ?? perSite, rule?.ratePerMinute)
    return { site, hosts: routed.hosts, rule }
  }
}

/** Made once: a batch is placed for each message. Options change in place. */
function routingOf({ resolver, random, routes, isOurs, options }: DirectionsTools): RouteTools {
  return {
    resolver,
    random,
    routes,
    isOurs,
    get hostname() {
      return options.hostname
    },
    get smtpPort() {
      return options.smtpPort
    },
    get addressFamilies() {
      return options.addressFamilies
    },
  }
}
