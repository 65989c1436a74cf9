/** How much the network around a client may do: the session asks, whoever counts over all connections answers. */
import type { Peer } from '../../base/network.ts'

export interface SmtpPace {
  /** A transaction begins. @returns false: too many of late. */
  message(peer: Peer): boolean
  /** A recipient is named. @returns false: too many of late. */
  recipient(peer: Peer): boolean
  /** Whether it has asked for so many addresses that are nobody's that it is told nothing any more. */
  guesses(peer: Peer): boolean
  /** It asked for one that is nobody's. */
  guessed(peer: Peer): void
}
