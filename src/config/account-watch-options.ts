/** Keys of [accountWatch]: when an account looks as if somebody else used it. */
import { accountWatchDefaults, type AccountWatchOptions } from '../accounts/account-watch.ts'
import * as kinds from './kinds.ts'
import { option, type Option } from './option.ts'

const defaults = accountWatchDefaults

/** The compiler keeps this table complete: one key for each option of the room. */
export const accountWatchOptions = {
  action: option(
    kinds.choice('off', 'note', 'hold'),
    defaults.action,
    'What happens when an account passes one of the limits below. "hold": what it sends stays in the queue until "pennypost account unlock"; signing in, reading and incoming mail go on. "note": nothing but the telling. Either way the log, the metrics and the postmaster of its domain are told, once a day. "off": nothing is counted.',
  ),
  recipientsPerHour: option(
    kinds.count(1, 1_000_000),
    defaults.recipientsPerHour,
    'Recipients that an account may write to in an hour. A person writes to some dozens a day; stolen accounts to thousands an hour.',
  ),
  unknownPerHour: option(
    kinds.count(1, 1_000_000),
    defaults.unknownPerHour,
    'Recipients in an hour that do not exist, by our own word or by that of their hosts (5.1.x). Bought lists are full of them, address books are not.',
  ),
  networksPerHour: option(
    kinds.count(1, 10_000),
    defaults.networksPerHour,
    'Networks (/24, IPv6 /48) in an hour from which an account may sign in. Telephones change between some; botnets between hundreds.',
  ),
  exempt: option(
    kinds.list(kinds.accountOrDomain),
    defaults.exempt,
    'Accounts that are not watched, or all of a domain ("@example.org"): newsletters, programs.',
    ['news@example.org'],
  ),
} satisfies { [K in keyof AccountWatchOptions]: Option<AccountWatchOptions[K]> }
