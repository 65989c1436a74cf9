/**
 * What the queue asks of a transport: to name the next hop of a batch, and to attempt it. Each kind of destination has one;
 * `system/mail.ts` has the table.
 */
import type { Destination, DestinationKey } from '../mail/destination.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Operation } from '../store/operations.ts'
import type { QueuedMessage, StoreRefusal } from '../store/store.ts'

/** Recipients of one message that go to one destination together. All of them have the same body type and SMTPUTF8. */
export interface Batch {
  readonly destination: Destination
  readonly key: DestinationKey
  readonly rows: readonly QueueRow[]
  /** The message, if it is in memory still. The queue reads it from the store otherwise. */
  readonly bytes?: QueuedMessage
}

/**
 * A way out of the queue: SMTP, LMTP, local mailboxes. The queue decides which batch is attempted when, holds its lease,
 * and records what became of each recipient; a transport knows how to reach the destination and has no state that must
 * survive it.
 *
 * An attempt may be made twice: after a crash, what was not recorded is attempted again. So a transport either writes by
 * operations, which the queue commits together with its record, or does what it does again harmlessly.
 *
 * A transport that writes each message into a folder of the machine:
 *
 *     export class FolderTransport implements Transport<string> {
 *       readonly remote = false
 *       readonly #files: Files
 *
 *       async nextHop({ destination }: Batch): Promise<NextHopFacts<string> | AttemptResult> {
 *         if (destination.kind !== 'folder') return { kind: 'never', enhanced: '5.3.5', words: 'Not a folder' }
 *         // One message at a time, whatever `transfersPerDestinationMax` says.
 *         return { name: destination.path, connectionsMax: 1, route: destination.path }
 *       }
 *
 *       async attempt({ rows }: Batch, message: QueuedMessage, path: string): Promise<Attempt> {
 *         const all = (result: AttemptResult): AttemptResult[] => rows.map(() => result)
 *         // The name is the message's: a second attempt replaces the file of the first.
 *         const name = `${path}/${rows[0]!.arrivalId}.eml`
 *         try {
 *           await this.#files.write(name, await message.read(0, message.sizeBytes))
 *           return { results: all({ kind: 'filed', enhanced: '2.0.0', words: name }), hop: 'well' }
 *         } catch (error) {
 *           return { results: all({ kind: 'later', enhanced: '4.3.1', words: String(error) }), hop: 'failed' }
 *         }
 *       }
 *
 *       close(): void {}
 *     }
 */
export interface Transport<Route = unknown> {
  /** Other hosts do the work: `transferRatePerMinute` and `senderRatePerHour` count, and a first attempt is made at once. */
  readonly remote: boolean
  /** Most recipients of a batch. Default: as many as one SMTP transaction takes. */
  readonly recipientsMax?: number
  /**
   * Names the next hop of a batch, after looking up what is needed for that. Called for each batch before it waits for its
   * place, so it must not connect to anything. @returns a result instead if there is none: it counts for all recipients, as
   * if an attempt had been made. Throws only what is a fault of ours: the recipients are tried again when the lease ends.
   */
  nextHop(batch: Batch): Promise<NextHopFacts<Route> | AttemptResult>
  /**
   * Makes one attempt. What fails is a result, and a fault that is thrown is one of ours, as above.
   * @param route what `nextHop` gave, a moment or an hour ago.
   * @param signal aborted when the process cannot wait any longer: the attempt ends soon, and anyhow.
   */
  attempt(batch: Batch, message: QueuedMessage, route: Route, signal: AbortSignal): Promise<Attempt>
  /** Called once, after the last attempt: kept connections end. */
  close(): void
}

/** A set of hosts or a place with limits and a back-off of its own, shared by all destinations behind it. */
export interface NextHopFacts<Route = unknown> {
  /** Next hops of the same name are the same one. */
  readonly name: string
  /** Attempts at a time. Default: `transfersPerDestinationMax`. */
  readonly connectionsMax?: number | undefined
  /** Recipients per minute. Default: no limit. */
  readonly ratePerMinute?: number | undefined
  /** Waits between attempts. Default: `retryAfterMs` of the configuration. */
  readonly retryAfterMs?: readonly number[] | undefined
  /** For the attempt; the queue does not look into it. */
  readonly route: Route
}

export interface Attempt {
  /** One for each row of the batch, in its order. */
  readonly results: readonly AttemptResult[]
  /**
   * How the next hop fared. `well`: something was taken, or refused for good. `answered`: refused for now, for reasons of the
   * recipients. `failed`: it could not be reached, or refuses all mail; after several of these in a row the queue waits.
   */
  readonly hop: 'well' | 'answered' | 'failed'
}

/** What became of one recipient. */
export interface AttemptResult {
  /**
   * `relayed`: another host is responsible now. `filed`: it is in a mailbox. `discarded`: by a rule, without a DSN. `later`: to
   * be tried again, until the message's time is over. `never`: it bounces.
   */
  readonly kind: 'relayed' | 'filed' | 'discarded' | 'later' | 'never'
  /** RFC 3463. */
  readonly enhanced: string
  /** The remote reply, or our own text if there was none; the mailbox or rule for `filed` and `discarded`. */
  readonly words: string
  /** The host that replied. */
  readonly host?: string
  /** It supports DSN, and is responsible for them from now on. RFC 3461 §5.2.1. */
  readonly reports?: boolean
  /** It supports DELIVERBY, and got the time limit. RFC 2852 §4.1.4.2. */
  readonly minds?: boolean
  /** TLS version and cipher of the connection, and the kind of verification. */
  readonly tls?: string
  /** The results of hosts and addresses tried before. */
  readonly tried?: readonly string[]
  /** No attempt before this time, epoch milliseconds, whatever the retry schedule. */
  readonly notBeforeMs?: number
  /**
   * Committed together with the record of this result and its DSN, or not at all. The queue owns the contents that they name:
   * it forgets those that it does not commit. Results that share an operation are recorded together, and it is done once.
   */
  readonly operations?: readonly Operation[]
  /** The result instead, if the store refuses these operations. Default: later. */
  readonly ifRefused?: (refusal: StoreRefusal) => AttemptResult
}

/** One transport for each kind of destination. What an operator gave up needs none. */
export type Transports = Readonly<Record<Exclude<Destination['kind'], 'failed'>, Transport>>

export function allOf({ rows }: Batch, result: AttemptResult): AttemptResult[] {
  return rows.map(() => result)
}
