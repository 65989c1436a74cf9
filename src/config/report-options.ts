/** Keys of [reports]: what other domains are told. */
import type { ReportOptions } from '../transport/options.ts'
import * as kinds from '../base/options/kinds.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import { option, type Option } from '../base/options/option.ts'

export const reportOptions = {
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
} satisfies { [K in keyof ReportOptions]: Option<ReportOptions[K]> }
