/** A message that has arrived: from a client, as a bounce of our own, or from a command. */
import type { AccountId } from '../mail/ids.ts'
import type { Clock } from '../base/clock.ts'
import { randomId, type Random } from '../base/random.ts'
import type { Handling, Mailbox, RecipientDsn, ReversePath } from '../mail/envelope.ts'
import { timePrefix } from '../store/arrival-id.ts'

export interface Arrival extends Handling {
  /** Identifies the message from connection to mailbox. Begins with the time, so ids sort. */
  readonly id: string
  readonly atMs: number
  readonly reversePath: ReversePath
  readonly recipients: readonly ArrivalRecipient[]
  readonly body: '7bit' | '8bitmime' | 'binarymime'
  readonly smtpUtf8: boolean
  readonly ret?: 'full' | 'hdrs'
  readonly envelopeId?: string
  /** The account that submitted it, if any. */
  readonly submitter?: AccountId
  /** Waits in the queue until an operator releases it. */
  readonly held?: boolean
}

export interface ArrivalRecipient extends RecipientDsn {
  readonly mailbox: Mailbox
}

/**
 * Random characters after the time, five bits each: two messages of one millisecond must not share an id, even at many
 * messages a year.
 */
const idRandomLength = 10

export function newArrivalId(clock: Clock, random: Random): string {
  return timePrefix(clock.now()) + randomId(random, idRandomLength)
}
