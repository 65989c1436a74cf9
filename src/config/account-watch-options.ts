/** Keys of [accountWatch]: signs of a compromised account. */
import { accountWatchDefaults, type AccountWatchOptions } from '../directory/account-watch.ts'
import * as kinds from '../base/options/kinds.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import { option, type Option } from '../base/options/option.ts'

const defaults = accountWatchDefaults

/** The compiler keeps this table complete: one key for each option of the room. */
export const accountWatchOptions = {
  action: option(
    kinds.choice('off', 'note', 'hold'),
    defaults.action,
    'What to do when an account exceeds a limit below. "hold": its outgoing mail is held in the queue until "pennypost account unlock"; signing in, reading and incoming mail continue. "note": nothing is held. In both cases the log, the metrics and the postmaster of its domain are told, once a day. "off": nothing is counted.',
  ),
  recipientsPerHour: option(
    kinds.count(1, 1_000_000),
    defaults.recipientsPerHour,
    'Recipients that an account may write to in an hour. A person writes to some dozens a day, a stolen account to thousands an hour.',
  ),
  unknownPerHour: option(
    kinds.count(1, 1_000_000),
    defaults.unknownPerHour,
    'Recipients per hour that do not exist, according to us or to their hosts (5.1.x). Bought address lists have many, address books few.',
  ),
  networksPerHour: option(
    kinds.count(1, 10_000),
    defaults.networksPerHour,
    'Networks (/24, IPv6 /48) from which an account may sign in within an hour. Phones change between a few, botnets between hundreds.',
  ),
  exempt: option(
    kinds.list(mailKinds.accountOrDomain),
    defaults.exempt,
    'Accounts that are not watched, or "@example.org" for a whole domain: newsletters, programs.',
    ['news@example.org'],
  ),
} satisfies { [K in keyof AccountWatchOptions]: Option<AccountWatchOptions[K]> }
