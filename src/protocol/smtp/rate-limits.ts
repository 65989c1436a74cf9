/** Rate limits by the client's network: the session asks; the answer counts over all connections. */
import type { Peer } from '../../base/network.ts'

export interface SmtpRateLimits {
  /** A transaction begins. @returns false: too many of late. */
  message(peer: Peer): boolean
  /** A recipient is named. @returns false: too many of late. */
  recipient(peer: Peer): boolean
  /** Whether it has asked for so many unknown addresses that it gets no answers any more. */
  guesses(peer: Peer): boolean
  /** It asked for an unknown address. */
  guessed(peer: Peer): void
}
