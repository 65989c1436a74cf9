/** One attempt to hand a message to another host by SMTP: hosts in order, addresses in order, the first that answers decides. RFC 5321 §5.1. */
import type { MessageBytes } from '../../mail/content.ts'
import {
  SmtpChunkingFault,
  SmtpReplyFault,
  type OutgoingEnvelope,
  type SmtpClient,
} from '../../protocol/smtp/client.ts'
import { closingCode, replyText, type Reply } from '../../protocol/smtp/wire/reply.ts'
import type { Host } from '../route.ts'
import { assuranceOf, connect, type ConnectTools } from './connect.ts'
import { offerFor, type SignAnew } from './convert.ts'
import type { KeptConnections } from './kept-connections.ts'
import { securityKey, securityOf, TlsPolicyFault, type Security } from './tls-policy.ts'

/** What became of one recipient in this attempt. */
export interface AttemptResult {
  readonly kind: 'relayed' | 'later' | 'never'
  readonly enhanced: string
  /** The remote's words, or ours when it did not come to that. */
  readonly words: string
  /** The host that said it. */
  readonly host?: string
  /** It was told what the sender wishes to hear, and answers for it from now on. RFC 3461 §5.2.1. */
  readonly reports?: boolean
  /** It was told by when the message is to be delivered, and minds it. RFC 2852 §4.1.4.2. */
  readonly minds?: boolean
  /** Version and cipher of the connection, where it had TLS, and what was verified. */
  readonly tls?: string
  /** What became of the hosts and addresses that were tried before it. */
  readonly tried?: readonly string[]
  /** No other attempt before this moment, epoch milliseconds, whatever the schedule says. */
  readonly notBeforeMs?: number
}

export interface Attempt {
  /** One for each recipient. */
  readonly results: readonly AttemptResult[]
  /**
   * How the hosts took it. `well`: something was relayed, or refused for good. `answered`: not now, for reasons of the recipients' own.
   * `trouble`: none could be reached, or it has no room for us at all.
   */
  readonly hosts: 'well' | 'answered' | 'trouble'
}

export interface AttemptTools extends ConnectTools {
  readonly connections: KeptConnections
  /** undefined: nothing here is signed. */
  readonly signAnew?: SignAnew
}

/** Hosts without success that the journey tells of. */
const triedMax = 10
/** What a connection has promised, whatever the message. */
type Promised = Pick<AttemptResult, 'tls' | 'reports' | 'minds'>

function resultOf(reply: Reply, host: string, { tls, reports, minds }: Promised = {}): AttemptResult {
  const { code } = reply
  const kind = code < 300 ? 'relayed' : code < 500 ? 'later' : 'never'
  // The code decides, and an enhanced code of another class says nothing: a notice with "failed" and 4.2.2 would confuse. RFC 2034 §4.
  const own = reply.enhanced.startsWith(`${Math.floor(code / 100)}.`)
  const enhanced = own ? reply.enhanced : kind === 'relayed' ? '2.0.0' : kind === 'later' ? '4.0.0' : '5.0.0'
  return { kind, enhanced, words: replyText(reply), host, tls, reports, minds }
}

interface Place {
  readonly host: Host
  readonly address: string
  /** What a connection must have in common to be used again, beside its safety. */
  readonly key: string
  /** What leads nowhere together. */
  readonly line: string
  /** What a connection there has to be; asked once for a host. */
  security(): Promise<Security>
}

function placesOf(tools: AttemptTools, hosts: readonly Host[]): Place[] {
  return hosts.flatMap((host) => {
    let asked: Promise<Security> | undefined
    const security = (): Promise<Security> => (asked ??= securityOf(tools, host))
    return host.addresses.map((address) => {
      const { name, port, tls, username, proxy, localAddresses } = host
      const line = [address, port, proxy?.host ?? '', proxy?.port ?? ''].join(' ')
      const from = localAddresses?.join(',') ?? ''
      return { host, address, line, security, key: [line, name, tls, username ?? '', from].join('\n') }
    })
  })
}

/** @param hosts best first. What one host does not take now, the next may: RFC 5321 §5.1, "until a delivery attempt succeeds". */
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
  // All of them were dead a moment ago: one is asked whether that is still so.
  for (const place of living.length > 0 ? living : places.slice(0, 1)) {
    if (round.isOver) break
    if (round.hasAnswered(place.host)) continue
    const outcome = await tryPlace(tools, place, round.left, bytes)
    if ('results' in outcome) round.take(outcome, place)
    else round.fail(outcome, place)
  }
  return round.end(living.length > 0 && living.length < places.length)
}

/** An attempt under way: who has an answer that stands, and what was heard of the others. */
class Round {
  readonly #envelope: OutgoingEnvelope
  readonly #results: (AttemptResult | undefined)[]
  /** Places in the envelope of those without a final answer. */
  #left: readonly number[]
  readonly #failed: string[] = []
  readonly #answered = new Set<Host>()
  #last: AttemptResult = { kind: 'later', enhanced: '4.4.1', words: 'No host could be reached' }
  #hosts: Attempt['hosts'] | undefined

  constructor(envelope: OutgoingEnvelope) {
    this.#envelope = envelope
    this.#left = envelope.recipients.map((_, at) => at)
    this.#results = this.#left.map(() => undefined)
  }

  get isOver(): boolean {
    return this.#left.length === 0
  }

  /** It has said no for now: its other addresses would say the same. */
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

  /** What a host said to each. */
  take({ results, hosts }: Attempt, { host }: Place): void {
    const tried = this.#tried()
    this.#answered.add(host)
    this.#left.forEach((at, i) => (this.#results[at] = { ...results[i]!, tried }))
    const waiting = this.#left.filter((_, i) => results[i]!.kind === 'later')
    const said = results.find(({ kind }) => kind === 'later')
    if (said) this.#note(said, host)
    // What went well anywhere counts for the hosts together.
    this.#hosts = this.#hosts === 'well' || waiting.length < this.#left.length ? 'well' : hosts
    this.#left = waiting
  }

  /** It could not be offered the message. */
  fail(result: AttemptResult, { host }: Place): void {
    // What one can never have, another may when it is back.
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
    const hosts = this.#hosts ?? (last.kind === 'never' || isPolicy(last) ? 'answered' : 'trouble')
    // Of a host that has answered the words are worth more than of one that could not be reached.
    return { results: this.#results.map((result) => result ?? last), hosts }
  }
}

/** On a connection that is kept; undefined where there is none, or it does not serve. */
async function tryKept(
  tools: AttemptTools,
  places: readonly Place[],
  envelope: OutgoingEnvelope,
  bytes: MessageBytes,
): Promise<{ readonly attempt: Attempt; readonly place: Place } | undefined> {
  const { connections } = tools
  for (const place of places) {
    if (!connections.mayHave(place.key)) continue
    // It serves only what asks for no more and no less than it is. Where nothing is safe enough, it is said below.
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
      // It was about to close, or had enough of us. Nothing was lost with it; a new connection will tell more.
      if (kept.client.streams === streams && !isAnswer(error)) return undefined
      return { attempt: settled(envelope, faultOf(error, whereOf(place), true), 'answered'), place }
    }
  }
  return undefined
}

function later(result: AttemptResult): AttemptResult {
  return result.kind === 'never' ? { ...result, kind: 'later', enhanced: result.enhanced.replace(/^5/, '4') } : result
}

/** Not safe enough for this message and its domain: others that the same hosts serve need not wait. */
function isPolicy({ enhanced }: AttemptResult): boolean {
  return /^[45]\.7\.(?:5|10|30)$/.test(enhanced)
}

function settled(envelope: OutgoingEnvelope, result: AttemptResult, hosts: Attempt['hosts']): Attempt {
  return { results: envelope.recipients.map(() => result), hosts }
}

function whereOf({ host, address }: Place): string {
  return `${host.name} [${address}]`
}

/** A reply to the message, and not the goodbye of a host that closes. */
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

/** The host's decision; one result when the next address should be tried. */
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
    // It lives, and is good enough for other messages perhaps.
    if (error instanceof TlsPolicyFault) return result
    if (!(error instanceof SmtpReplyFault)) tools.connections.noteDead(place.line)
    // A final no to the greeting is that host's own trouble, and the next MX may be well. RFC 5321 §3.1.
    return { ...result, kind: 'later' }
  }
  try {
    return await offer(tools, place, client, 0, envelope, bytes)
  } catch (error) {
    client.destroy()
    // It takes no BDAT after all: at once again by DATA, and from now on.
    if (error instanceof SmtpChunkingFault && !tools.connections.refusesChunks(place.line)) {
      tools.connections.noteNoChunking(place.line)
      return tryPlace(tools, place, envelope, bytes)
    }
    const result = faultOf(error, where, true)
    // A final no to the message is final.
    if (isAnswer(error) && result.kind === 'never') return settled(envelope, result, 'well')
    return result
  }
}

/**
 * Sends the message on a connection, which is kept afterwards if it is still good. Throws what the client throws.
 * One result where this host cannot do what the message needs: another may.
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
  if (closing) return { results, hosts: 'trouble' }
  return { results, hosts: results.some(({ kind }) => kind !== 'later') ? 'well' : 'answered' }
}
