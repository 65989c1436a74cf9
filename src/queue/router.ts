/** Routes a batch: to its hosts, their next hop and the rule of the configuration. */
import type { Live } from '../base/live.ts'
import type { AttemptResult } from '../transport/smtp/smtp.ts'
import { destinationKey, failedDestination, localDestination, type HostDestination } from '../mail/destination.ts'
import type { TransferTools } from '../delivery/file.ts'
import type { DestinationRule, TransferOptions } from './options.ts'
import { routeTo, type RouteTools } from '../transport/route.ts'
import { ruleFor, nextHopName, type Batch, type NextHops } from './next-hops.ts'
import type { ResolvedRoute } from './transfers.ts'

export type RouterTools = Pick<TransferTools, 'clock' | 'random'> & { readonly options: Live<TransferOptions> } & Pick<
    RouteTools,
    'isOurs' | 'resolver'
  > & {
    readonly rules: Live<readonly DestinationRule[]>
    readonly routes: Live<RouteTools['routes']>
  }

/** Next hops without hosts: local recipients beyond `fileNowMax`, and those that an operator gave up. */
export const nowhere: ReadonlySet<string> = new Set([localDestination, failedDestination].map(destinationKey))

export class Router {
  readonly #tools: RouterTools
  readonly #routing: RouteTools
  readonly #nextHops: NextHops

  constructor(tools: RouterTools, sites: NextHops) {
    this.#tools = tools
    this.#routing = routingOf(tools)
    this.#nextHops = sites
  }

  /** @returns the result of the attempt if there is no route. */
  async resolve({ destination, key, rows }: Batch): Promise<ResolvedRoute | AttemptResult> {
    const { options, clock, rules } = this.#tools
    const perSite = options.now.transfersPerDestinationMax
    if (nowhere.has(key)) return { nextHop: this.#nextHops.of(key, perSite), hosts: [], rule: undefined }
    const { reversePath, acceptedAtMs } = rows[0]!
    const routed = await routeTo(this.#routing, destination as HostDestination, reversePath, clock.now() - acceptedAtMs)
    if (routed.kind !== 'hosts') {
      const { enhanced, code, text } = routed.status
      return { kind: routed.kind, enhanced, words: `${code} ${enhanced} ${text}` }
    }
    // A fallback host does not name the next hop, unless there are no others.
    const own = routed.hosts.filter(({ fallback }) => !fallback)
    const named = own.length > 0 ? own : routed.hosts
    const rule = ruleFor(rules.now, key, named)
    const nextHop = this.#nextHops.of(nextHopName(named, rule), rule?.connectionsMax ?? perSite, rule?.ratePerMinute)
    return { nextHop, hosts: routed.hosts, rule }
  }
}

/** Made once, as every batch is routed. Options change in place. */
function routingOf({ resolver, random, routes, isOurs, options }: RouterTools): RouteTools {
  return {
    resolver,
    random,
    isOurs,
    get routes() {
      return routes.now
    },
    get hostname() {
      return options.now.hostname
    },
    get smtpPort() {
      return options.now.smtpPort
    },
    get addressFamilies() {
      return options.now.addressFamilies
    },
  }
}
