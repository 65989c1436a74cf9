/**
 * The order of recipients that are due, fair between senders. Each recipient puts its sender a little further back in
 * time: a mailing to hundreds of thousands comes after the next message of every other sender, yet moves forward with
 * every minute.
 */
import { BoundedMap } from '../base/bounded-map.ts'

/**
 * Delay from one transaction of a sender to the next. With a hundred recipients each, a list of 100,000 spreads over 16
 * hours.
 */
const stepMs = 60_000
/** Recipients that share one position: they go out in one transaction. RFC 5321 §4.5.3.1.8. */
export const stepRecipients = 100
/** Time gained by one level of priority. RFC 6710 §4.1 has levels from -9 to 9. */
const priorityMs = 60 * 60_000
/** Senders that are remembered; the longest idle one is forgotten first. */
const sendersMax = 10_000

export class FairOrder {
  /** Position of a sender's next recipient, epoch milliseconds; only for senders whose position is in the future. */
  readonly #next = new BoundedMap<string, number>(sendersMax)

  /**
   * Assigns positions to `count` recipients of one message that may go from `fromMs` on.
   * @param sender the reverse-path; the null one is a sender too.
   * @returns the position of the nth recipient.
   */
  take(sender: string, count: number, fromMs: number, priority = 0): (n: number) => number {
    const start = Math.max(fromMs, this.#next.get(sender) ?? 0)
    this.#next.set(sender, start + (count * stepMs) / stepRecipients)
    const first = Math.floor(start) - priority * priorityMs
    return (n) => first + Math.floor(n / stepRecipients) * stepMs
  }
}
