/** Keys of the configuration file about mail on its way: names, routes, limits, and who really sent it. */
import { authenticityDefaults, type AuthenticityOptions } from '../delivery/checks/authenticity.ts'
import type { SenderRule } from '../delivery/checks/consequence.ts'
import { transferDefaults, type DestinationRule, type TransferOptions } from '../queue/options.ts'
import * as kinds from '../base/options/kinds.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import type { Kind } from '../base/options/kinds.ts'
import { option, type Option } from '../base/options/option.ts'

const defaults = transferDefaults

export const dnsOptions = {
  servers: option(
    kinds.list(mailKinds.endpoint({ names: false })),
    [],
    'Resolvers to use, as addresses with or without a port. Empty: those of the system.',
    [{ host: '127.0.0.1', port: 5353 }],
  ),
  validated: option(
    kinds.flag,
    false,
    "Trusts the resolvers' DNSSEC validation. Set it only if they validate and run on this machine or are reached over a safe network; DANE (RFC 7672) needs it. Off by default, since otherwise an attacker on the network could forge the answers.",
  ),
  hosts: option(
    mailKinds.hosts,
    new Map(),
    'Names with fixed addresses, for internal hosts and for domains whose mail goes straight to an address. Used before any resolver.',
    new Map([['mail.lan', ['10.0.0.5']]]),
  ),
  lookups: option(
    kinds.flag,
    true,
    'Uses the DNS. Set it to false where there is none: then only hosts and routes are known, and mail for any other domain bounces at once instead of after days.',
  ),
}

export const destinationOptions = {
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
} satisfies { [K in keyof DestinationRule]-?: Option<DestinationRule[K]> }

/** The compiler keeps this table complete: one key for each option of the room. */
export const transferOptions = {
  messageBytesMax: option(
    kinds.size,
    defaults.messageBytesMax,
    'Maximum message size, announced in SIZE and APPENDLIMIT. 50 MB is what large providers accept, with attachments encoded.',
  ),
  subaddressDelimiter: option(
    subaddress(),
    defaults.subaddressDelimiter,
    'Separates user and detail, as in user+detail@example.org, which is delivered to user (RFC 5233). "" switches this off.',
  ),
  hopsMax: option(
    kinds.count(1, 1000),
    defaults.hopsMax,
    'Maximum number of Received fields; a message with more is refused as a mail loop. RFC 5321 §6.3 asks for at least 100.',
  ),
  fileNowMax: option(
    kinds.count(1, 100_000),
    defaults.fileNowMax,
    'Maximum number of local recipients filed before the reply, after aliases are expanded. The rest is queued, so that the client gets its reply in time.',
  ),
  retryAfterMs: option(
    kinds.list(kinds.duration, 1),
    defaults.retryAfterMs,
    'Waits between attempts; the last one repeats. RFC 5321 §4.5.4.1 asks for at least 30 minutes in general; the first ones are shorter, since most problems pass soon.',
  ),
  queueLifetimeMs: option(
    kinds.duration,
    defaults.queueLifetimeMs,
    'How long to try before a message bounces. RFC 5321 §4.5.4.1 asks for at least 4 to 5 days.',
  ),
  delayWarningMs: option(
    kinds.duration,
    defaults.delayWarningMs,
    'After how long the sender gets one delay notification (DSN), unless its NOTIFY excludes that. 0: never.',
  ),
  transfersMax: option(
    kinds.count(1, 10_000),
    defaults.transfersMax,
    'Maximum number of concurrent transfers; each holds a socket and part of a message.',
  ),
  transfersPerDestinationMax: option(
    kinds.count(1, 1000),
    defaults.transfersPerDestinationMax,
    'Maximum number of concurrent transfers to one set of hosts, whatever domains they serve. It starts at 5 and grows with success up to this; receivers treat more as an attack.',
  ),
  transferRatePerMinute: option(
    kinds.count(0, 10_000_000),
    defaults.transferRatePerMinute,
    'Recipients per minute to all destinations together. 0: no limit.',
  ),
  senderRatePerHour: option(
    kinds.count(0, 10_000_000),
    defaults.senderRatePerHour,
    'Recipients per hour of one sender to other hosts; the rest waits in the queue. It limits the harm of a stolen password. 0: no limit.',
  ),
  addressFamilies: option(
    kinds.choice('ipv4First', 'ipv6First', 'ipv4', 'ipv6'),
    defaults.addressFamilies,
    'Address families used for other hosts. Families alternate; IPv4 is first, since more receivers judge hosts by it. "ipv4": where there is no IPv6 connectivity.',
  ),
  mtaSts: option(
    kinds.flag,
    defaults.mtaSts,
    'Fetches and obeys MTA-STS policies of other domains (RFC 8461). Where a policy is enforced, nothing is sent to a host that it does not list, or without a valid certificate.',
  ),
  smtpPort: option(kinds.count(1, 65_535), defaults.smtpPort, 'The port of MX hosts; only tests need another.'),
} satisfies { [K in Exclude<keyof TransferOptions, 'hostname'>]: Option<TransferOptions[K]> }

export const senderRuleOptions = {
  from: option(
    mailKinds.domainPattern,
    undefined,
    'The domain in From: a domain, "*.example.net" for its subdomains, or "*"; the most specific match wins.',
    'example.net',
  ),
  dmarcFail: option(
    kinds.choice('obey', 'refuse', 'junk', 'note'),
    undefined,
    'When DMARC fails. "obey": follow the domain\'s policy. "refuse": reject with 550. "junk": file into Junk. "note": only record it. Default: dmarc of [authenticity].',
    'refuse',
  ),
  spfFail: option(
    kinds.choice('refuse', 'junk', 'note'),
    undefined,
    'When SPF fails (-all) for the domain of the reverse-path. Forwarding breaks SPF, so use it only for domains whose mail is not forwarded.',
    'junk',
  ),
  unproved: option(
    kinds.choice('refuse', 'junk', 'note'),
    undefined,
    'When neither SPF nor DKIM authenticates the domain, whether or not it has a DMARC policy. For partners that are known to sign.',
    'refuse',
  ),
} satisfies { [K in keyof SenderRule]-?: Option<SenderRule[K]> }

export const authenticityOptions = {
  check: option(
    kinds.flag,
    authenticityDefaults.check,
    'Checks messages from unauthenticated clients: SPF, DKIM, ARC, DMARC and reverse DNS. The results are added in Authentication-Results. Signed-in users, trusted networks and loopback are not checked.',
  ),
  dmarc: option(
    kinds.choice('obey', 'note'),
    authenticityDefaults.dmarc,
    'When DMARC fails (RFC 7489). "obey": p=reject is refused, p=quarantine is filed into Junk. "note": the result is only recorded.',
  ),
  trustedSealers: option(
    kinds.list(mailKinds.domain),
    authenticityDefaults.trustedSealers,
    'Mailing lists and forwarders whose ARC seals are trusted (RFC 8617): if one of them says that DMARC passed when it received the message, its changes since then do not count as a failure. Without an entry, list mail from domains with p=reject is refused.',
    ['lists.example.org'],
  ),
  seal: option(
    kinds.flag,
    authenticityDefaults.seal,
    'Adds an ARC seal with our results to mail that our aliases forward, signed with the key of the forwarding domain, so that the next host can trust them.',
  ),
} satisfies { [K in keyof AuthenticityOptions]: Option<AuthenticityOptions[K]> }

function subaddress(): Kind<string> {
  return {
    words: 'a short string, "" for none',
    read(value) {
      const delimiter = kinds.text.read(value)
      if (delimiter.length > 8 || /[@\s"<>]/.test(delimiter))
        throw new kinds.ValueFault('must be at most 8 characters, none of them @, quotes or space')
      return delimiter
    },
    format: (value) => JSON.stringify(value),
  }
}
