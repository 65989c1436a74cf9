/** Limits and permissions of an SMTP server, with the reasons for the defaults. */
import type { IpNetwork } from '../../base/ip-network.ts'

export interface SmtpPolicy {
  /** Recipients of one message. RFC 5321 §4.5.3.1.8. */
  readonly recipientsMax: number
  /** Messages of one connection; 0: no limit. Told in LIMITS, RFC 9422 §4.1. */
  readonly messagesMax: number
  /** Commands that fail, after which a client is either broken or guessing. */
  readonly errorsMax: number
  /** From so many on each refusal is held back, by `tarpitDelayMs` more than the one before it; 0 ms: not at all. */
  readonly tarpitAfterErrors: number
  readonly tarpitDelayMs: number
  /** Pause before the greeting for unauthenticated clients: one that speaks during it is no mail server; 0: none. RFC 5321 §3.1. */
  readonly greetPauseMs: number
  /** How far ahead a submission may be held, milliseconds; 0: not at all. RFC 4865. */
  readonly futureReleaseMaxMs: number
  /** The least time in which a message may have to be delivered or else returned. RFC 2852 §2. */
  readonly deliverByMinMs: number
  /** Classes of solicitation that are refused. RFC 3865 §2.1. */
  readonly noSoliciting: readonly string[]
  /** Who may ask by VRFY and EXPN which addresses there are. RFC 5321 §7.3. */
  readonly addressQueries: 'none' | 'trusted' | 'users'
  /** Proxies and filters that may say whom they speak for, by XCLIENT and XFORWARD. */
  readonly xclientFrom: readonly IpNetwork[]
}

const minute = 60_000
const day = 24 * 60 * minute

export const smtpDefaults: SmtpPolicy = {
  recipientsMax: 1000,
  messagesMax: 0,
  errorsMax: 20,
  tarpitAfterErrors: 10,
  tarpitDelayMs: 1000,
  greetPauseMs: 0,
  futureReleaseMaxMs: 30 * day,
  deliverByMinMs: minute,
  noSoliciting: [],
  addressQueries: 'none',
  xclientFrom: [],
}
