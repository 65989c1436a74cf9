/** A message that has arrived: from a client, as a bounce of our own, or from a command. */
import type { AccountId } from '../mail/ids.ts'
import type { Clock } from '../base/clock.ts'
import { randomId, type Random } from '../base/random.ts'
import type { Handling, Mailbox, RecipientDsn, ReversePath } from '../mail/envelope.ts'
import type { StoredContent } from '../store/store.ts'
import { factsOfBytes, factsOfSlices, type FiledFacts } from '../store/facts.ts'
import { timePrefix } from '../store/arrival-id.ts'
import { readSliceBytes } from '../mail/content.ts'

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

/**
 * The facts that the store needs about a content. `head` is read as if it stood before the content (fields added at
 * submission).
 */
export async function messageIndex(content: StoredContent, head: Uint8Array): Promise<FiledFacts> {
  const { whole } = content
  if (whole) return factsOfBytes(head.length === 0 ? whole : Buffer.concat([head, whole]))
  return factsOfSlices(slices(content, head))
}

async function* slices(content: StoredContent, head: Uint8Array): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  for (let at = 0; at < content.sizeBytes; at += readSliceBytes) {
    yield await content.read(at, Math.min(content.sizeBytes, at + readSliceBytes))
  }
}
