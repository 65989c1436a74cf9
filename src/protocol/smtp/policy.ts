/** What an SMTP server may be told about how much it does for whom, with the reasons for the defaults. */

export interface SmtpPolicy {
  /** Recipients of one message. RFC 5321 §4.5.3.1.8. */
  readonly recipientsMax: number
  /** How far ahead a submission may be held, milliseconds; 0: not at all. RFC 4865. */
  readonly futureReleaseMaxMs: number
  /** The least time in which a message may have to be delivered or else returned. RFC 2852 §2. */
  readonly deliverByMinMs: number
  /** Classes of solicitation that nobody here wants. RFC 3865 §2.1. */
  readonly noSoliciting: readonly string[]
  /** Who may ask by VRFY and EXPN which addresses there are. RFC 5321 §7.3. */
  readonly addressQueries: 'nobody' | 'trusted' | 'users'
}

const minute = 60_000
const day = 24 * 60 * minute

export const smtpDefaults: SmtpPolicy = {
  recipientsMax: 1000,
  futureReleaseMaxMs: 30 * day,
  deliverByMinMs: minute,
  noSoliciting: [],
  addressQueries: 'nobody',
}
