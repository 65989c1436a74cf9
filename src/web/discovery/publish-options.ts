/** The options of what our domains publish: `[publish]`. */
import * as kinds from '../../base/options/kinds.ts'
import { option, table, type ValuesOf } from '../../base/options/option.ts'
import * as mailKinds from '../../mail/option-kinds.ts'
import { maxAgeMaxS } from '../../trust/mta-sts/policy.ts'

export const publishOptions = table({
  mtaSts: option(
    kinds.choice('enforce', 'testing', 'none'),
    'testing',
    'The mode of our own MTA-STS policy (RFC 8461): what senders do if our hosts have no TLS or no valid certificate. "testing": they deliver and report it, so an expired certificate costs no mail, but an attacker on the network can still remove TLS. "enforce": they do not deliver; use it once reports have been clean for some weeks. "none" withdraws a policy. It takes effect only with the records of "pennypost domain dns".',
  ),
  mtaStsMaxAgeMs: option(
    maxAge(),
    14 * 86_400_000,
    'How long senders cache the policy. The RFC expects weeks: with a day, an attacker who blocks the policy for a day gets past it. Do not make it longer than the hosts are sure to keep their names.',
  ),
  mtaStsHosts: option(
    kinds.list(mailKinds.hostPattern),
    [],
    'MX hosts listed in the policy. Default: our hostname. Add backup MX hosts of other operators.',
    ['mail.example.org', 'backup.example.net'],
  ),
  tlsReportsTo: option(
    mailKinds.mailAddress,
    undefined,
    'Where senders send their TLS reports (RFC 8460): mail with a JSON file, once a day from each. Default: postmaster at each domain.',
    'tls-reports@example.org',
  ),
})

export type PublishOptions = ValuesOf<typeof publishOptions>

function maxAge(): kinds.Kind<number> {
  return {
    ...kinds.span,
    read(value) {
      const ms = kinds.span.read(value)
      if (ms < 1000 || ms > maxAgeMaxS * 1000) throw new kinds.ValueFault('must be from a second to 365 days')
      return ms
    },
  }
}
