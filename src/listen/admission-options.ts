/**
 * The options of admission: part of `[limits]`. In a file of their own, so that `pennypost/smtp`, which has the
 * defaults, does not load the texts.
 */
import * as kinds from '../base/options/kinds.ts'
import { option, table, type Option } from '../base/options/option.ts'
import { admissionDefaults as defaults, type AdmissionLimits } from './admission.ts'

/** The compiler keeps this table complete: one key for each limit. */
export const admissionOptions = table({
  connectionsMax: option(
    kinds.count(1, 1_000_000),
    defaults.connectionsMax,
    'Maximum number of connections of all listeners together. An idle one costs some kilobytes and one file descriptor.',
  ),
  connectionsPerAddressMax: option(
    kinds.count(1, 1_000_000),
    defaults.connectionsPerAddressMax,
    'Maximum number of connections from one network (see prefixBitsV4, prefixBitsV6). Enough for an office behind one address, and one host cannot use up connectionsMax.',
  ),
  connectionRatePerMinute: option(
    kinds.count(0, 1_000_000),
    defaults.connectionRatePerMinute,
    'New connections per minute from one network; beyond it, connections are refused (421 in SMTP). 0: no limit. Loopback is not counted.',
  ),
  prefixBitsV4: option(
    kinds.count(8, 32),
    defaults.prefixBitsV4,
    'Prefix length that counts as one network for IPv4. 32: each address, since one is often a whole office. 24 covers the addresses among which a customer may change.',
  ),
  prefixBitsV6: option(
    kinds.count(16, 128),
    defaults.prefixBitsV6,
    'Prefix length that counts as one network for IPv6. 64 is the smallest network that a provider assigns.',
  ),
} satisfies { [K in keyof AdmissionLimits]: Option<AdmissionLimits[K]> })
