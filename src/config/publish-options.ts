/** Keys of [publish]: what our own domains tell those who send to them. */
import type { PublishOptions } from '../server/discovery/published.ts'
import { maxAgeMaxS } from '../trust/mta-sts/policy.ts'
import * as kinds from './kinds.ts'
import { ValueFault, type Kind } from './kinds.ts'
import { option, type Option } from './option.ts'

export const publishOptions = {
  mtaSts: option(
    kinds.choice('enforce', 'testing', 'none'),
    'testing',
    'What senders that know MTA-STS (RFC 8461) do where our hosts have no TLS or no certificate of a known authority. "testing": they deliver and report it, so a certificate that lapses costs no mail; but whoever stands on the way can still take TLS away. "enforce": they do not deliver; go there when the reports have been clean for some weeks. "none" takes a policy back. All of it counts only once the records of "pennypost domain dns" are published.',
  ),
  mtaStsMaxAgeMs: option(
    maxAge(),
    14 * 86_400_000,
    'How long a sender keeps the policy when it cannot ask again. The RFC expects weeks, since a day gives way to whoever stops the asking for a day; longer than our hosts are sure to keep their names helps nobody.',
  ),
  mtaStsHosts: option(
    kinds.list(kinds.hostPattern),
    [],
    'The hosts that MX records name, as the policy lists them. Without it our own hostname; a backup MX of somebody else has to be added.',
    ['mail.example.org', 'backup.example.net'],
  ),
  tlsReportsTo: option(
    kinds.mailAddress,
    undefined,
    'Where senders send their reports of TLS (RFC 8460): ordinary mail with a JSON file, once a day from each. Without it postmaster at each domain.',
    'tls-reports@example.org',
  ),
} satisfies { [K in keyof PublishOptions]: Option<PublishOptions[K]> }

function maxAge(): Kind<number> {
  return {
    ...kinds.span,
    read(value) {
      const ms = kinds.span.read(value)
      if (ms < 1000 || ms > maxAgeMaxS * 1000) throw new ValueFault('must be from a second to 365 days')
      return ms
    },
  }
}
