/**
 * The order of recipients that are ready: fair between senders. Each recipient moves its sender a little back in time, so that a mailing to
 * hundreds of thousands stands behind the next message of every other sender, and still moves up with every minute that passes.
 */
import { BoundedMap } from '../base/bounded-map.ts'

/** So much later is the next transaction of the same sender. At a hundred recipients each: a list of 100,000 spreads over 16 hours. */
const stepMs = 60_000
/** Recipients that stand at one place in line: they go out in one transaction. RFC 5321 §4.5.3.1.8. */
export const stepRecipients = 100
/** What a level of priority is worth. RFC 6710 §4.1 has levels from -9 to 9. */
const priorityMs = 60 * 60_000
/** Senders whose place is remembered; the one that was quiet for longest goes first. */
const sendersMax = 10_000

export class FairOrder {
  /** Where a sender's next recipient stands, epoch milliseconds; only of those who are ahead of their time. */
  readonly #next = new BoundedMap<string, number>(sendersMax)

  /**
   * Places in line for `count` recipients of one message that may go from `fromMs` on.
   * @param sender the reverse-path; the null one is a sender too.
   * @returns the place of the nth.
   */
  take(sender: string, count: number, fromMs: number, priority = 0): (n: number) => number {
    const start = Math.max(fromMs, this.#next.get(sender) ?? 0)
    this.#next.set(sender, start + (count * stepMs) / stepRecipients)
    const first = Math.floor(start) - priority * priorityMs
    return (n) => first + Math.floor(n / stepRecipients) * stepMs
  }
}
