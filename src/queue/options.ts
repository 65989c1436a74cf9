/** The options of the queue: `[[destination]]`, and its part of `[transfer]`. RFC 5321 §4.5.4.1, RFC 3461 §5.2.5. */
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../base/options/option.ts'
import * as mailKinds from '../mail/option-kinds.ts'

/** Limits for a destination, or for a next hop by its hosts. */
export const destinationOptions = table({
  match: option(
    mailKinds.domainPattern,
    undefined,
    'A recipient domain, or the host that receives its mail; the most specific match wins. A host pattern makes all domains of the matching hosts one destination with common limits.',
    '*.mail.example.net',
  ),
  connectionsMax: option(
    kinds.count(1, 1000),
    undefined,
    'Concurrent transfers. Default: transfersPerDestinationMax.',
    10,
  ),
  ratePerMinute: option(kinds.count(1, 10_000_000), undefined, 'Recipients per minute. Default: no limit.', 600),
  retryAfterMs: option(
    kinds.list(kinds.duration, 1),
    undefined,
    'Waits between attempts. Default: retryAfterMs of [transfer].',
    [600_000, 3_600_000],
  ),
})

export type DestinationRule = Partial<ValuesOf<typeof destinationOptions>> & { readonly match: string }

const minute = 60_000
const hour = 60 * minute

export const queueOptions = table({
  retryAfterMs: option(
    kinds.list(kinds.duration, 1),
    [5 * minute, 10 * minute, 20 * minute, 40 * minute, hour, 2 * hour, 4 * hour],
    'Waits between attempts; the last one repeats. RFC 5321 §4.5.4.1 asks for at least 30 minutes in general; the first ones are shorter, since most problems pass soon.',
  ),
  delayWarningMs: option(
    kinds.duration,
    4 * hour,
    'After how long the sender gets one delay notification (DSN), unless its NOTIFY excludes that. 0: never.',
  ),
  transfersMax: option(
    kinds.count(1, 10_000),
    100,
    'Maximum number of concurrent transfers; each holds a socket and part of a message.',
  ),
  transfersPerDestinationMax: option(
    kinds.count(1, 1000),
    20,
    'Maximum number of concurrent transfers to one set of hosts, whatever domains they serve. It starts at 5 and grows with success up to this; receivers treat more as an attack.',
  ),
  transferRatePerMinute: option(
    kinds.count(0, 10_000_000),
    0,
    'Recipients per minute to all destinations together. 0: no limit.',
  ),
  senderRatePerHour: option(
    kinds.count(0, 10_000_000),
    0,
    'Recipients per hour of one sender to other hosts; the rest waits in the queue. It limits the harm of a stolen password. 0: no limit.',
  ),
})

export type QueueOptions = ValuesOf<typeof queueOptions>

export const queueDefaults: QueueOptions = defaultsOf(queueOptions)
