/** The options of the transports: `[reports]`, and all of `[transfer]`. RFC 8460, RFC 8461. */
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../base/options/option.ts'
import { deliveryDefaults, deliveryOptions, type DeliveryOptions } from '../delivery/options.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import { queueDefaults, queueOptions, type QueueOptions } from '../queue/options.ts'

export const reportOptions = table({
  tls: option(
    kinds.flag,
    false,
    'Sends a daily TLS report (RFC 8460) to domains that request one: how many connections to their hosts met their policy, and what failed. Off by default, since it reveals that we send mail to them.',
  ),
  contact: option(
    mailKinds.mailAddress,
    undefined,
    'The sender of reports, in a local domain that signs (DKIM). Default: postmaster at origin.',
    'postmaster@example.org',
  ),
})

export type ReportOptions = ValuesOf<typeof reportOptions> & { readonly contact: string }

export const transportOptions = table({
  addressFamilies: option(
    kinds.choice('ipv4First', 'ipv6First', 'ipv4', 'ipv6'),
    'ipv4First',
    'Address families used for other hosts. Families alternate; IPv4 is first, since more receivers judge hosts by it. "ipv4": where there is no IPv6 connectivity.',
  ),
  mtaSts: option(
    kinds.flag,
    true,
    'Fetches and obeys MTA-STS policies of other domains (RFC 8461). Where a policy is enforced, nothing is sent to a host that it does not list, or without a valid certificate.',
  ),
  smtpPort: option(kinds.count(1, 65_535), 25, 'The port of MX hosts; only tests need another.'),
})

export type TransportOptions = ValuesOf<typeof transportOptions>
export const transportDefaults: TransportOptions = defaultsOf(transportOptions)

const { queueLifetimeMs, ...onArrival } = deliveryOptions
const { retryAfterMs, ...inQueue } = queueOptions

/** All of `[transfer]`, in the order of docs/config.md: this is the highest of its rooms. */
export const transferOptions = table({ ...onArrival, retryAfterMs, queueLifetimeMs, ...inQueue, ...transportOptions })

export type TransferOptions = DeliveryOptions & TransportOptions & QueueOptions

export const transferDefaults: TransferOptions = {
  ...deliveryDefaults,
  ...transportDefaults,
  ...queueDefaults,
}
