/** Keys of the configuration file about mail on its way: names, routes, limits, and who really sent it. */
import { authenticityDefaults, type AuthenticityOptions } from '../transfer/checks/authenticity.ts'
import type { SenderRule } from '../transfer/checks/consequence.ts'
import { transferDefaults, type DestinationRule, type TransferOptions } from '../transfer/options.ts'
import * as kinds from './kinds.ts'
import type { Kind } from './kinds.ts'
import { option, type Option } from './option.ts'

const defaults = transferDefaults

export const dnsOptions = {
  servers: option(
    kinds.list(kinds.endpoint({ names: false })),
    [],
    "Resolvers to ask, as addresses with or without a port. Empty: the system's own.",
    [{ host: '127.0.0.1', port: 5353 }],
  ),
  validated: option(
    kinds.flag,
    false,
    'The resolvers validate DNSSEC and nobody stands between them and us: they run on this machine, or the way to them is safe. Only then their word is believed, and DANE protects what is sent (RFC 7672). Off, since anybody on the way could say so.',
  ),
  hosts: option(
    kinds.hosts,
    new Map(),
    'Hosts of an internal network, and domains whose mail goes straight to an address: asked before any resolver.',
    new Map([['mail.lan', ['10.0.0.5']]]),
  ),
  lookups: option(
    kinds.flag,
    true,
    'Set it to false where there is no DNS: only hosts and routes are known, and a domain in neither is returned at once instead of after days.',
  ),
}

export const destinationOptions = {
  match: option(
    kinds.domainPattern,
    undefined,
    'A domain of recipients, or the host that takes their mail; the most exact one wins. One that fits hosts makes all the domains that they serve one destination, with one limit.',
    '*.mail.example.net',
  ),
  connectionsMax: option(
    kinds.count(1, 1000),
    undefined,
    'Transfers at a time. Without it transfersPerDestinationMax.',
    10,
  ),
  ratePerMinute: option(kinds.count(1, 10_000_000), undefined, 'Recipients a minute. Without it no limit.', 600),
  retryAfterMs: option(
    kinds.list(kinds.duration, 1),
    undefined,
    'Waits between attempts. Without it those of [transfer].',
    [600_000, 3_600_000],
  ),
} satisfies { [K in keyof DestinationRule]-?: Option<DestinationRule[K]> }

/** The compiler keeps this table complete: one key for each option of the room. */
export const transferOptions = {
  messageBytesMax: option(
    kinds.size,
    defaults.messageBytesMax,
    'Largest message taken, told to clients in SIZE and APPENDLIMIT. 50 MB is what the large providers take, attachments encoded.',
  ),
  subaddressDelimiter: option(
    subaddress(),
    defaults.subaddressDelimiter,
    'Parts user from detail, as in user+detail@example.org, which is user\'s mail (RFC 5233). "" for none.',
  ),
  hopsMax: option(
    kinds.count(1, 1000),
    defaults.hopsMax,
    'Received fields after which a message is taken to run in a circle. RFC 5321 §6.3 asks for at least 100.',
  ),
  fileNowMax: option(
    kinds.count(1, 100_000),
    defaults.fileNowMax,
    'Recipients filed at once, after aliases are expanded; the rest is queued, so that the client gets its answer in time.',
  ),
  retryAfterMs: option(
    kinds.list(kinds.duration, 1),
    defaults.retryAfterMs,
    'Waits between attempts; the last one repeats. RFC 5321 §4.5.4.1: at least 30 minutes in general, sooner at first, since most trouble passes soon.',
  ),
  queueLifetimeMs: option(
    kinds.duration,
    defaults.queueLifetimeMs,
    'A message that could not be sent for so long is returned. RFC 5321 §4.5.4.1: at least 4 to 5 days.',
  ),
  delayWarningMs: option(
    kinds.duration,
    defaults.delayWarningMs,
    'A sender is told once of a message that is late by so much, unless he asked not to be (NOTIFY). After four hours people begin to wonder. 0: never.',
  ),
  transfersMax: option(
    kinds.count(1, 10_000),
    defaults.transfersMax,
    'Transfers under way at a time: each holds a socket and a piece of a message.',
  ),
  transfersPerDestinationMax: option(
    kinds.count(1, 1000),
    defaults.transfersPerDestinationMax,
    'The same to one set of hosts, whatever domains they serve: it begins with 5 and grows with success up to this; more is taken for an attack by many.',
  ),
  transferRatePerMinute: option(
    kinds.count(0, 10_000_000),
    defaults.transferRatePerMinute,
    'Recipients a minute to everybody together. 0: as fast as they take it.',
  ),
  senderRatePerHour: option(
    kinds.count(0, 10_000_000),
    defaults.senderRatePerHour,
    'Recipients an hour of one sender to other hosts; what is beyond waits in the queue. A stolen password does less harm. 0: no limit.',
  ),
  addressFamilies: option(
    kinds.choice('ipv4First', 'ipv6First', 'ipv4', 'ipv6'),
    defaults.addressFamilies,
    'Which addresses of other hosts are tried. Families take turns; IPv4 begins, since more of the world judges hosts by it. "ipv4": where there is no way to IPv6.',
  ),
  mtaSts: option(
    kinds.flag,
    defaults.mtaSts,
    'Policies of other domains (MTA-STS, RFC 8461) are fetched and obeyed: where one says so, nothing is sent to a host that it does not name, or without a certificate that fits.',
  ),
  smtpPort: option(
    kinds.count(1, 65_535),
    defaults.smtpPort,
    "The port of other people's MX hosts; only tests have another.",
  ),
} satisfies { [K in Exclude<keyof TransferOptions, 'hostname'>]: Option<TransferOptions[K]> }

export const senderRuleOptions = {
  from: option(
    kinds.domainPattern,
    undefined,
    'The domain in From: a domain, "*.example.net" for those below it, or "*"; the most exact one wins.',
    'example.net',
  ),
  dmarcFail: option(
    kinds.choice('obey', 'refuse', 'junk', 'note'),
    undefined,
    'DMARC fails. "obey": as the domain wishes. "refuse": 550 in the transaction. "junk": filed into Junk. "note": only written down. Without it [authenticity] dmarc counts.',
    'refuse',
  ),
  spfFail: option(
    kinds.choice('refuse', 'junk', 'note'),
    undefined,
    'The domain of the envelope says that this host may not send for it (-all). Forwarders break that: only for domains that are not forwarded.',
    'junk',
  ),
  unproved: option(
    kinds.choice('refuse', 'junk', 'note'),
    undefined,
    'Neither SPF nor DKIM proves the domain, whether or not it asks for that: for partners that are known to sign.',
    'refuse',
  ),
} satisfies { [K in keyof SenderRule]-?: Option<SenderRule[K]> }

export const authenticityOptions = {
  check: option(
    kinds.flag,
    authenticityDefaults.check,
    'Messages of strangers are checked: SPF, DKIM, ARC, DMARC and the name of their address. What was found is written into them (Authentication-Results). Not for who signs in, trusted networks and this machine.',
  ),
  dmarc: option(
    kinds.choice('obey', 'note'),
    authenticityDefaults.dmarc,
    'What the domain in From wishes for messages that it did not send (RFC 7489). "obey": p=reject is refused, p=quarantine goes to Junk. "note": it is only written down.',
  ),
  trustedSealers: option(
    kinds.list(kinds.domain),
    authenticityDefaults.trustedSealers,
    'Mailing lists and forwarders whose word counts (ARC, RFC 8617): where one of them says that DMARC passed when the message came to it, what it changed since then is held against nobody. Without one, mail of lists fails for domains with p=reject.',
    ['lists.example.org'],
  ),
  seal: option(
    kinds.flag,
    authenticityDefaults.seal,
    'What addresses of ours lead elsewhere is sealed (ARC) with what was found about it, by the key of the domain that forwards it: the next host need not hold the sender against us.',
  ),
} satisfies { [K in keyof AuthenticityOptions]: Option<AuthenticityOptions[K]> }

function subaddress(): Kind<string> {
  return {
    words: 'a short text, "" for none',
    read(value) {
      const delimiter = kinds.text.read(value)
      if (delimiter.length > 8 || /[@\s"<>]/.test(delimiter))
        throw new kinds.ValueFault('must be at most 8 characters, none of them @, quotes or space')
      return delimiter
    },
    format: (value) => JSON.stringify(value),
  }
}
