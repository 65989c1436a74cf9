/** Keys of the configuration file about SMTP: what clients may ask for, and how much. */
import { parseIpNetwork } from '../base/ip-network.ts'
import { smtpDefaults } from '../protocol/smtp/policy.ts'
import { smtpPaceDefaults } from '../server/smtp-pace.ts'
import type { Config } from './config.ts'
import * as kinds from './kinds.ts'
import { option, type Option } from './option.ts'

const defaults = smtpDefaults

/** The compiler keeps this table complete: one key for each option of the room. */
export const smtpOptions = {
  recipientsMax: option(
    kinds.count(100, 100_000),
    defaults.recipientsMax,
    'Recipients of one message, told to clients in LIMITS. At least 100 must be taken (RFC 5321 §4.5.3.1.8); beyond the default one message is a mailing list.',
  ),
  messagesMax: option(
    kinds.count(0, 1_000_000),
    defaults.messagesMax,
    'Messages of one connection, told to clients in LIMITS. 0: no limit, since one connection costs less than many.',
  ),
  errorsMax: option(
    kinds.count(1, 10_000),
    defaults.errorsMax,
    'Commands of a connection that fail, unknown recipients too, after which it is closed: such a client is broken or guesses.',
  ),
  tarpitAfterErrors: option(
    kinds.count(0, 10_000),
    defaults.tarpitAfterErrors,
    'From so many failed commands on, each refusal is held back: whoever only mistypes does not notice.',
  ),
  tarpitDelayMs: option(
    kinds.duration,
    defaults.tarpitDelayMs,
    'How much later each of these is answered than the one before it, ten seconds at most. Nobody else waits. 0: not at all.',
  ),
  greetPauseMs: option(
    kinds.duration,
    defaults.greetPauseMs,
    'Strangers on port 25 wait so long for the greeting, and who speaks meanwhile is refused (554): mail servers wait, many programs that send spam do not. 0: nobody waits. Five seconds are usual.',
    5000,
  ),
  messageRatePerMinute: option(
    kinds.count(0, 1_000_000),
    smtpPaceDefaults.messageRatePerMinute,
    'Messages that strangers of one network may begin in a minute (450 4.7.1 beyond). 0: as many as come.',
  ),
  recipientRatePerMinute: option(
    kinds.count(0, 10_000_000),
    smtpPaceDefaults.recipientRatePerMinute,
    'The same for recipients.',
  ),
  unknownRecipientsPerHour: option(
    kinds.count(0, 1_000_000),
    smtpPaceDefaults.unknownRecipientsPerHour,
    'Recipients that nobody here is, named by strangers of one network in an hour. Beyond, all recipients are answered alike (450 4.7.1), so that nobody finds addresses by asking; mail of others from there comes later. 0: without end.',
  ),
  futureReleaseMaxMs: option(
    kinds.span,
    defaults.futureReleaseMaxMs,
    'How far ahead a submission may be held back (HOLDFOR and HOLDUNTIL, RFC 4865). A month is what mail programs offer for "send later". 0: it is not offered.',
  ),
  deliverByMinMs: option(
    kinds.duration,
    defaults.deliverByMinMs,
    'The least time that a message may have which is to come back when it is late (DELIVERBY, RFC 2852): below a minute one slow host makes it impossible.',
  ),
  noSoliciting: option(
    kinds.list(solicitation()),
    defaults.noSoliciting,
    'Classes of solicitation that nobody here wants (RFC 3865): told in EHLO, and mail that says it is of one is refused.',
    ['org.example:ADV'],
  ),
  addressQueries: option(
    kinds.choice('nobody', 'trusted', 'users'),
    defaults.addressQueries,
    'Who may ask by VRFY and EXPN which addresses there are. "trusted": hosts of trustedNetworks; "users": who signs in, too. Nobody by default, since strangers only collect them.',
  ),
  xclientFrom: option(
    kinds.list(kinds.ipNetwork),
    [],
    'Proxies and filters that may say whom they speak for, by XCLIENT and XFORWARD as in Postfix: everything that counts by address then counts for the client behind them. Whoever is named here can be anybody.',
    [{ ...parseIpNetwork('10.0.0.5')!, text: '10.0.0.5' }],
  ),
} satisfies { [K in keyof Config['smtp']]: Option<Config['smtp'][K]> }

function solicitation(): kinds.Kind<string> {
  return {
    words: 'a class of solicitation, as "org.example:ADV"',
    read(value) {
      const word = kinds.text.read(value)
      if (!/^[A-Z][A-Z0-9._:-]{0,99}$/i.test(word))
        throw new kinds.ValueFault('must be a class of solicitation, as "org.example:ADV"')
      return word
    },
    format: (value) => JSON.stringify(value),
  }
}
