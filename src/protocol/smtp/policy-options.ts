/**
 * The options of an SMTP server's policy: part of `[smtp]`. In a file of their own, so that `pennypost/smtp`, which has
 * the defaults, does not load the texts.
 */
import { parseIpNetwork } from '../../base/ip-network.ts'
import * as kinds from '../../base/options/kinds.ts'
import { option, table, type Option } from '../../base/options/option.ts'
import { smtpDefaults as defaults, type SmtpPolicy } from './policy.ts'

/** The compiler keeps this table complete: one key for each member of the policy. */
export const smtpPolicyOptions = table({
  recipientsMax: option(
    kinds.count(100, 100_000),
    defaults.recipientsMax,
    'Maximum number of recipients of a message, announced in LIMITS. At least 100 must be accepted (RFC 5321 §4.5.3.1.8); a message with more than the default is a mailing list.',
  ),
  messagesMax: option(
    kinds.count(0, 1_000_000),
    defaults.messagesMax,
    'Maximum number of messages on one connection, announced in LIMITS. 0: no limit, since one connection costs less than many.',
  ),
  errorsMax: option(
    kinds.count(1, 10_000),
    defaults.errorsMax,
    'Failed commands, unknown recipients included, after which a connection is closed: such a client is broken or guesses addresses.',
  ),
  tarpitAfterErrors: option(
    kinds.count(0, 10_000),
    defaults.tarpitAfterErrors,
    'Failed commands after which each error reply is delayed. Ordinary mistakes stay below it.',
  ),
  tarpitDelayMs: option(
    kinds.duration,
    defaults.tarpitDelayMs,
    'How much longer each such reply is delayed than the one before, up to ten seconds. Other connections are not affected. 0: no delay.',
  ),
  greetPauseMs: option(
    kinds.duration,
    defaults.greetPauseMs,
    'Delay of the greeting for unauthenticated clients on port 25; a client that sends before it is refused (554). Mail servers wait, many spam programs do not. 0: no delay; 5 seconds are usual.',
    5000,
  ),
  futureReleaseMaxMs: option(
    kinds.span,
    defaults.futureReleaseMaxMs,
    'How far ahead a submitted message may be scheduled (HOLDFOR and HOLDUNTIL, RFC 4865). A month is what mail programs offer for "send later". 0: not offered.',
  ),
  deliverByMinMs: option(
    kinds.duration,
    defaults.deliverByMinMs,
    'The shortest deliver-by time that is accepted for a message to be returned when late (DELIVERBY, RFC 2852). Below a minute one slow host makes it impossible.',
  ),
  noSoliciting: option(
    kinds.list(solicitation()),
    defaults.noSoliciting,
    'Solicitation classes that are refused (RFC 3865): announced in EHLO, and mail that declares one of them is refused.',
    ['org.example:ADV'],
  ),
  addressQueries: option(
    kinds.renamed(kinds.choice('none', 'trusted', 'users'), { nobody: 'none' }),
    defaults.addressQueries,
    'Who may use VRFY and EXPN. "none": no client, since they are mostly used to collect addresses. "trusted": hosts of trustedNetworks. "users": signed-in users too.',
  ),
  xclientFrom: option(
    kinds.list(kinds.ipNetwork),
    [],
    'Proxies and filters that may send XCLIENT and XFORWARD, as in Postfix. The client address given with XCLIENT is then used for limits, SPF and logs. A host listed here can claim any client address.',
    [{ ...parseIpNetwork('10.0.0.5')!, text: '10.0.0.5' }],
  ),
} satisfies { [K in keyof SmtpPolicy]: Option<SmtpPolicy[K]> })

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
