/**
 * One attempt to send a message by SMTP or LMTP: hosts in order, addresses in order, until one decides. RFC 5321 §5.1,
 * RFC 2033.
 */
import type { MessageBytes } from '../../mail/content.ts'
import {
  SmtpChunkingFault,
  SmtpReplyFault,
  type OutgoingEnvelope,
  type SmtpClient,
} from '../../protocol/smtp/client.ts'
import { closingCode, replyText, type Reply } from '../../protocol/smtp/wire/reply.ts'
import type { Attempt, AttemptResult } from '../../queue/transport.ts'
import type { Host } from '../route.ts'
import { assuranceOf, connect, type ConnectTools } from './connect.ts'
import { offerFor, type SignAnew } from './convert.ts'
import type { KeptConnections } from './kept-connections.ts'
import { securityKey, securityOf, TlsPolicyFault, type Security } from './tls-policy.ts'

export interface AttemptTools extends ConnectTools {
  readonly connections: KeptConnections
  /** undefined: nothing is signed here. */
  readonly signAnew?: SignAnew
}

/** Failed hosts that the trace lists. */
const triedMax = 10
/** Properties of a connection, for any message. */
type Promised = Pick<AttemptResult, 'tls' | 'reports' | 'minds'>

function resultOf(reply: Reply, host: string, { tls, reports, minds }: Promised = {}): AttemptResult {
  const { code } = reply
  const kind = code < 300 ? 'relayed' : code < 500 ? 'later' : 'never'
  // The code decides; an enhanced code of another class is dropped: a DSN with "failed" and 4.2.2 would confuse.
  // RFC 2034 §4.
  const own = reply.enhanced.startsWith(`${Math.floor(code / 100)}.`)
  const enhanced = own ? reply.enhanced : kind === 'relayed' ? '2.0.0' : kind === 'later' ? '4.0.0' : '5.0.0'
  return { kind, enhanced, words: replyText(reply), host, tls, reports, minds }
}

interface Place {
  readonly host: Host
  readonly address: string
  /** A kept connection is only used again with the same key, and the same security. */
  readonly key: string
  /** Identifies what fails together: address, port and proxy. */
  readonly line: string
  /** The required security; looked up once for a host. */
  security(): Promise<Security>
}

function placesOf(tools: AttemptTools, hosts: readonly Host[]): Place[] {
  return hosts.flatMap((host) => {
    let asked: Promise<Security> | undefined
    const security = (): Promise<Security> => (asked ??= securityOf(tools, host))
    return host.addresses.map((address) => {
      const { name, port, lmtp, tls, username, proxy, localAddresses } = host
      const line = [address, port, proxy?.host ?? '', proxy?.port ?? ''].join(' ')
      const from = localAddresses?.join(',') ?? ''
      return {
        host,
        address,
        line,
        security,
        key: [line, lmtp ? 'lmtp' : 'smtp', name, tls, username ?? '', from].join('\n'),
      }
    })
  })
}

/**
 * @param hosts best first. After a temporary refusal the next host is tried: RFC 5321 §5.1, "until a delivery attempt
 * succeeds".
 */
export async function attempt(
  tools: AttemptTools,
  hosts: readonly Host[],
  envelope: OutgoingEnvelope,
  bytes: MessageBytes,
): Promise<Attempt> {
  const places = placesOf(tools, hosts)
  const round = new Round(envelope)
  const kept = await tryKept(tools, places, round.left, bytes)
  if (kept) round.take(kept.attempt, kept.place)
  const living = places.filter(({ line }) => !tools.connections.isDead(line))
  // All of them failed recently: one is tried again.
  for (const place of living.length > 0 ? living : places.slice(0, 1)) {
    if (round.isOver) break
    if (round.hasAnswered(place.host)) continue
    const outcome = await tryPlace(tools, place, round.left, bytes)
    if ('results' in outcome) round.take(outcome, place)
    else round.fail(outcome, place)
  }
  return round.end(living.length > 0 && living.length < places.length)
}

/** State of an attempt: final results, and the latest results of all other recipients. */
class Round {
  readonly #envelope: OutgoingEnvelope
  readonly #results: (AttemptResult | undefined)[]
  /** Positions in the envelope of recipients without a final result. */
  #left: readonly number[]
  readonly #failed: string[] = []
  readonly #answered = new Set<Host>()
  #last: AttemptResult = { kind: 'later', enhanced: '4.4.1', words: 'No host could be reached' }
  #hop: Attempt['hop'] | undefined

  constructor(envelope: OutgoingEnvelope) {
    this.#envelope = envelope
    this.#left = envelope.recipients.map((_, at) => at)
    this.#results = this.#left.map(() => undefined)
  }

  get isOver(): boolean {
    return this.#left.length === 0
  }

  /** It has refused for now: its other addresses would do the same. */
  hasAnswered(host: Host): boolean {
    return this.#answered.has(host)
  }

  get left(): OutgoingEnvelope {
    const { recipients, dsn } = this.#envelope
    if (this.#left.length === recipients.length) return this.#envelope
    return {
      ...this.#envelope,
      recipients: this.#left.map((at) => recipients[at]!),
      dsn: dsn && this.#left.map((at) => dsn[at]!),
    }
  }

  /** A host's results for the recipients left. */
  take({ results, hop }: Attempt, { host }: Place): void {
    const tried = this.#tried()
    this.#answered.add(host)
    this.#left.forEach((at, i) => (this.#results[at] = { ...results[i]!, tried }))
    const waiting = this.#left.filter((_, i) => results[i]!.kind === 'later')
    const said = results.find(({ kind }) => kind === 'later')
    if (said) this.#note(said, host)
    // A success at any host counts for all of them.
    this.#hop = this.#hop === 'well' || waiting.length < this.#left.length ? 'well' : hop
    this.#left = waiting
  }

  /** The message could not be offered to this place. */
  fail(result: AttemptResult, { host }: Place): void {
    // A permanent failure of one place becomes temporary if another one may accept it later.
    const outcome = { ...result, tried: this.#tried() }
    this.#last = this.#last.kind === 'later' && this.#failed.length > 0 ? later(outcome) : outcome
    this.#note(result, host)
  }

  #tried(): string[] | undefined {
    return this.#failed.length === 0 ? undefined : [...this.#failed]
  }

  #note({ host: where, words }: AttemptResult, host: Host): void {
    if (this.#failed.length < triedMax) this.#failed.push(`${where ?? host.name}: ${words}`)
  }

  end(someDead: boolean): Attempt {
    const last = someDead ? later(this.#last) : this.#last
    const hop = this.#hop ?? (last.kind === 'never' || isPolicy(last) ? 'answered' : 'failed')
    // A host's reply is kept rather than the failure to reach another one.
    return { results: this.#results.map((result) => result ?? last), hop }
  }
}

/** Tries a kept connection; undefined if there is none, or it could not be used. */
async function tryKept(
  tools: AttemptTools,
  places: readonly Place[],
  envelope: OutgoingEnvelope,
  bytes: MessageBytes,
): Promise<{ readonly attempt: Attempt; readonly place: Place } | undefined> {
  const { connections } = tools
  for (const place of places) {
    if (!connections.mayHave(place.key)) continue
    // Its security must be exactly the required one. If no security suffices, the normal attempt reports that.
    const security = await place.security().catch(() => undefined)
    const kept = security && connections.take(place.key, securityKey(security))
    if (!kept) continue
    const { streams } = kept.client
    try {
      const outcome = await offer(tools, place, kept.client, kept.messages, envelope, bytes)
      return 'results' in outcome ? { attempt: outcome, place } : undefined
    } catch (error) {
      kept.client.destroy()
      if (error instanceof SmtpChunkingFault) {
        connections.noteNoChunking(place.line)
        return undefined
      }
      // The server closed it, between messages. Nothing was lost; a new connection will show more.
      if (kept.client.streams === streams && !isAnswer(error)) return undefined
      return { attempt: settled(envelope, faultOf(error, whereOf(place), true), 'answered'), place }
    }
  }
  return undefined
}

function later(result: AttemptResult): AttemptResult {
  return result.kind === 'never' ? { ...result, kind: 'later', enhanced: result.enhanced.replace(/^5/, '4') } : result
}

/** The security required for this message is not met: other domains on the same hosts need not wait. */
function isPolicy({ enhanced }: AttemptResult): boolean {
  return /^[45]\.7\.(?:5|10|30)$/.test(enhanced)
}

function settled(envelope: OutgoingEnvelope, result: AttemptResult, hop: Attempt['hop']): Attempt {
  return { results: envelope.recipients.map(() => result), hop }
}

function whereOf({ host, address }: Place): string {
  return `${host.name} [${address}]`
}

/** A reply to the message, not the 421 of a server that closes. */
function isAnswer(error: unknown): error is SmtpReplyFault {
  return error instanceof SmtpReplyFault && error.reply.code !== closingCode
}

function faultOf(error: unknown, where: string, offered: boolean): AttemptResult {
  if (error instanceof SmtpReplyFault) return resultOf(error.reply, where)
  if (error instanceof TlsPolicyFault) {
    const { enhanced, message: words } = error
    return { kind: enhanced.startsWith('5') ? 'never' : 'later', enhanced, words, host: where }
  }
  return { kind: 'later', enhanced: offered ? '4.4.2' : '4.4.1', words: (error as Error).message, host: where }
}

/** The host's results; or a single result if the next address should be tried. */
async function tryPlace(
  tools: AttemptTools,
  place: Place,
  envelope: OutgoingEnvelope,
  bytes: MessageBytes,
): Promise<Attempt | AttemptResult> {
  const where = whereOf(place)
  let client: SmtpClient | undefined
  try {
    client = await connect(tools, place.host, place.address, await place.security())
    if (tools.connections.refusesChunks(place.line)) client.withoutChunking()
  } catch (error) {
    const result = faultOf(error, where, false)
    // The host is reachable, and perhaps secure enough for other messages.
    if (error instanceof TlsPolicyFault) return result
    if (!(error instanceof SmtpReplyFault)) tools.connections.noteDead(place.line)
    // A permanent refusal in the greeting is a problem of that host, and the next MX host may work. RFC 5321 §3.1.
    return { ...result, kind: 'later' }
  }
  try {
    return await offer(tools, place, client, 0, envelope, bytes)
  } catch (error) {
    client.destroy()
    // It refuses BDAT although announced: repeat with DATA now, and use DATA from now on.
    if (error instanceof SmtpChunkingFault && !tools.connections.refusesChunks(place.line)) {
      tools.connections.noteNoChunking(place.line)
      return tryPlace(tools, place, envelope, bytes)
    }
    const result = faultOf(error, where, true)
    // A permanent refusal of the message is final.
    if (isAnswer(error) && result.kind === 'never') return settled(envelope, result, 'well')
    return result
  }
}

/**
 * Sends the message on a connection, which is kept afterwards if still usable. Throws what the client throws.
 * A single result means that this host lacks what the message needs: another may have it.
 */
async function offer(
  tools: AttemptTools,
  place: Place,
  client: SmtpClient,
  carried: number,
  envelope: OutgoingEnvelope,
  bytes: MessageBytes,
): Promise<Attempt | AttemptResult> {
  const where = whereOf(place)
  const fit = await offerFor(client, { envelope, bytes }, tools.signAnew)
  if ('code' in fit) {
    tools.connections.give(place.key, securityKey(await place.security()), client, carried)
    const { code, enhanced, text } = fit
    return { kind: 'never', enhanced, words: `${code} ${enhanced} ${text}`, host: where }
  }
  const { recipients } = await client.send(fit.envelope, fit.bytes)
  const promised = { reports: client.has('DSN'), minds: client.has('DELIVERBY'), tls: assuranceOf(client) }
  const closing = recipients.some(({ code }) => code === closingCode)
  if (closing || client.mailsLeft <= 0) void client.quit()
  else tools.connections.give(place.key, securityKey(await place.security()), client, carried + 1)
  const results = recipients.map((reply) => resultOf(reply, where, promised))
  if (closing) return { results, hop: 'failed' }
  return { results, hop: results.some(({ kind }) => kind !== 'later') ? 'well' : 'answered' }
}
