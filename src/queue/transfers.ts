/**
 * Processes a batch: files it locally, gives it up, or offers it to the hosts of its next hop, whose state it updates.
 */
import type { Log } from '../base/log.ts'
import type { OutgoingEnvelope } from '../protocol/smtp/outgoing.ts'
import type { ConnectTools } from '../transport/smtp/connect.ts'
import { KeptConnections } from '../transport/smtp/kept-connections.ts'
import { signAnew } from '../delivery/sign-anew.ts'
import { attempt, type AttemptResult, type AttemptTools } from '../transport/smtp/smtp.ts'
import type { DestinationRule } from './options.ts'
import type { Host } from '../transport/route.ts'
import type { SigningKeys } from '../delivery/signing.ts'
import { askedOfNext } from './deliver-by.ts'
import { fileLocally, givenUp, recordResults, type RecordTools } from './record-results.ts'
import type { Batch, NextHop } from './next-hops.ts'

export type TransfersTools = RecordTools &
  Omit<ConnectTools, 'hostname'> & {
    readonly log: Log
    /** undefined: nothing is signed. */
    readonly signingKeys?: SigningKeys
  }

/** The route of a batch, after DNS lookups. */
export interface ResolvedRoute {
  readonly nextHop: NextHop
  readonly hosts: readonly Host[]
  readonly rule: DestinationRule | undefined
}

export class Transfers {
  readonly #tools: TransfersTools
  readonly #connections: KeptConnections
  readonly #attempting: AttemptTools

  constructor(tools: TransfersTools) {
    this.#tools = tools
    const { options, store, clock, signingKeys } = tools
    this.#connections = new KeptConnections(tools.clock, tools.wheel)
    this.#attempting = {
      ...tools,
      connections: this.#connections,
      signAnew: signingKeys && ((before, after) => signAnew({ store, clock, signingKeys }, before, after)),
      // Options change in place.
      get hostname() {
        return options.now.hostname
      },
    }
  }

  close(): void {
    this.#connections.close()
  }

  /**
   * Resolves when the hosts have replied; `written` resolves once the results are recorded, which other transfers need
   * not wait for.
   * Neither rejects: after an error the recipients are tried again when the lease has lapsed.
   */
  async run(batch: Batch, route: ResolvedRoute): Promise<{ readonly written: Promise<void> }> {
    const { destination, key, rows } = batch
    const failed = (error: unknown): void =>
      this.#tools.log.error('delivery attempt failed with an internal error', {
        destination: key,
        error: String((error as Error).stack ?? error),
      })
    try {
      if (destination.kind === 'local') return { written: fileLocally(this.#tools, rows).catch(failed) }
      if (destination.kind === 'failed')
        return { written: recordResults(this.#tools, batch, rows.map(givenUp)).catch(failed) }
      const { results, retryAfterMs } = await this.#offer(batch, route)
      return { written: recordResults(this.#tools, batch, results, retryAfterMs).catch(failed) }
    } catch (error) {
      failed(error)
      return { written: Promise.resolve() }
    }
  }

  async #offer(
    { rows, bytes: atHand }: Batch,
    { nextHop, hosts, rule }: ResolvedRoute,
  ): Promise<{ readonly results: readonly AttemptResult[]; readonly retryAfterMs?: readonly number[] }> {
    const { clock, random, store } = this.#tools
    const { entry, parameters, reversePath } = rows[0]!
    const bytes = atHand ?? store.read.queuedContent(entry)
    if (!bytes) return { results: rows.map(gone) }
    if (bytes.problem !== undefined) return { results: rows.map(unreadable) }
    const { body, smtpUtf8, ret, envelopeId, requireTls, deliverBy, priority } = parameters
    const recipients = rows.map(({ address }) => address)
    const dsn = rows.map((row) => askedOfNext(row.parameters))
    const envelope: OutgoingEnvelope = {
      reversePath,
      recipients,
      body,
      smtpUtf8,
      dsn,
      ret,
      envelopeId,
      requireTls,
      deliverBy,
      priority,
    }
    const demand = parameters.requireTls ? 'requireTls' : parameters.tlsOptional ? 'tlsOptional' : undefined
    const places = demand ? hosts.map((host) => ({ ...host, demand }) as const) : hosts
    const tried = await attempt(this.#attempting, places, envelope, bytes)
    const told = tried.results[0]!
    if (tried.hosts === 'well') nextHop.succeeded()
    else if (tried.hosts === 'answered') nextHop.answered()
    else
      nextHop.failed(
        clock.now(),
        random,
        `${told.host === undefined ? '' : `${told.host}: `}${told.words}`,
        told.enhanced,
      )
    return { results: tried.results, retryAfterMs: rule?.retryAfterMs }
  }
}

/** A repaired disk, or a backup, may have it again: the error is logged. */
function unreadable(): AttemptResult {
  return { kind: 'later', enhanced: '4.3.0', words: 'The message cannot be read from the disk' }
}

function gone(): AttemptResult {
  return { kind: 'never', enhanced: '5.3.0', words: 'The message is no longer stored' }
}
