/** The transport to other hosts, by SMTP and LMTP: routes, kept connections, TLS policies. RFC 5321 §5.1, RFC 2033. */
import type { Live } from '../../base/live.ts'
import type { Wheel } from '../../base/wheel.ts'
import type { MessageBytes } from '../../mail/content.ts'
import type { HostDestination } from '../../mail/destination.ts'
import type { OutgoingEnvelope } from '../../protocol/smtp/outgoing.ts'
import { askedOfNext } from '../../queue/deliver-by.ts'
import type { DestinationRule } from '../../queue/options.ts'
import type { Attempt, AttemptResult, Batch, NextHopFacts, Transport } from '../../queue/transport.ts'
import { nextHopName, ruleFor } from '../next-hop-name.ts'
import type { TransferOptions } from '../options.ts'
import { routeTo, type Host, type RouteTools } from '../route.ts'
import type { ConnectTools } from './connect.ts'
import type { SignAnew } from './convert.ts'
import { KeptConnections } from './kept-connections.ts'
import { OutgoingConnections } from './outgoing-connections.ts'
import { attempt, type AttemptTools } from './smtp.ts'

export type SmtpTransportTools = Omit<ConnectTools, 'hostname'> &
  Pick<RouteTools, 'isOurs' | 'random'> & {
    readonly wheel: Wheel
    readonly options: Live<TransferOptions>
    /** Limits of destinations and next hops. */
    readonly rules: Live<readonly DestinationRule[]>
    readonly routes: Live<RouteTools['routes']>
    /** undefined: nothing is signed here. */
    readonly signAnew?: SignAnew | undefined
  }

export class SmtpTransport implements Transport<readonly Host[]> {
  readonly remote = true
  readonly #tools: SmtpTransportTools
  readonly #routing: RouteTools
  readonly #open: OutgoingConnections
  readonly #kept: KeptConnections
  readonly #attempting: AttemptTools
  #signal: AbortSignal | undefined

  constructor(tools: SmtpTransportTools) {
    this.#tools = tools
    this.#routing = routingOf(tools)
    this.#open = new OutgoingConnections(tools.network)
    this.#kept = new KeptConnections(tools.clock, tools.wheel)
    this.#attempting = attemptingOf({ ...tools, network: this.#open.network }, this.#kept)
  }

  async nextHop({ destination, key, rows }: Batch): Promise<NextHopFacts<readonly Host[]> | AttemptResult> {
    const { clock, rules } = this.#tools
    const { reversePath, acceptedAtMs } = rows[0]!
    const waitedMs = clock.now() - acceptedAtMs
    const routed = await routeTo(this.#routing, destination as HostDestination, reversePath, waitedMs)
    if (routed.kind !== 'hosts') {
      const { enhanced, code, text } = routed.status
      return { kind: routed.kind, enhanced, words: `${code} ${enhanced} ${text}` }
    }
    // A fallback host does not name the next hop, unless there are no others.
    const own = routed.hosts.filter(({ fallback }) => !fallback)
    const named = own.length > 0 ? own : routed.hosts
    const rule = ruleFor(rules.now, key, named)
    const { connectionsMax, ratePerMinute, retryAfterMs } = rule ?? {}
    return { name: nextHopName(named, rule), connectionsMax, ratePerMinute, retryAfterMs, route: routed.hosts }
  }

  attempt({ rows }: Batch, message: MessageBytes, hosts: readonly Host[], signal: AbortSignal): Promise<Attempt> {
    this.#watch(signal)
    const { parameters, reversePath } = rows[0]!
    const { body, smtpUtf8, ret, envelopeId, requireTls, tlsOptional, deliverBy, priority } = parameters
    const envelope: OutgoingEnvelope = {
      ...{ reversePath, body, smtpUtf8, ret, envelopeId, requireTls, deliverBy, priority },
      recipients: rows.map(({ address }) => address),
      dsn: rows.map((row) => askedOfNext(row.parameters)),
    }
    const demand = requireTls ? 'requireTls' : tlsOptional ? 'tlsOptional' : undefined
    const places = demand ? hosts.map((host) => ({ ...host, demand }) as const) : hosts
    return attempt(this.#attempting, places, envelope, message)
  }

  close(): void {
    this.#kept.close()
  }

  /** The queue has one signal for all attempts. */
  #watch(signal: AbortSignal): void {
    if (this.#signal === signal) return
    this.#signal = signal
    if (signal.aborted) this.#open.cut()
    else signal.addEventListener('abort', () => this.#open.cut(), { once: true })
  }
}

function attemptingOf(tools: SmtpTransportTools, connections: KeptConnections): AttemptTools {
  const { options } = tools
  return {
    ...tools,
    connections,
    // Options change in place.
    get hostname() {
      return options.now.hostname
    },
  }
}

/** Made once, as every batch is routed. Options change in place. */
function routingOf({ resolver, random, routes, isOurs, options }: SmtpTransportTools): RouteTools {
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
