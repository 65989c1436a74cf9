/** Keys of [reports]: what other domains are told. */
import type { ReportOptions } from '../transfer/options.ts'
import * as kinds from './kinds.ts'
import { option, type Option } from './option.ts'

export const reportOptions = {
  tls: option(
    kinds.flag,
    false,
    'Domains that wish for it are told each day how our connections to their mail hosts went (TLS reports, RFC 8460): how many were safe as they want it, what went wrong with which host. Off, since it tells them that somebody here writes to them.',
  ),
  contact: option(
    kinds.mailAddress,
    undefined,
    'The address that reports come from, of a domain of ours that signs (DKIM). Without it postmaster at the origin.',
    'postmaster@example.org',
  ),
} satisfies { [K in keyof ReportOptions]: Option<ReportOptions[K]> }
