/** Keys of the configuration file about what changes in messages: addresses, copies, rules for what they say. */
import { formatMailbox, parseDomain, parseMailbox } from '../mail/address.ts'
import { parsePattern } from '../transfer/checks/pattern.ts'
import { rewriteDefaults, type AddressMap, type RewriteOptions } from '../transfer/shape/options.ts'
import * as kinds from './kinds.ts'
import type { Kind } from './kinds.ts'
import { option, type Option } from './option.ts'

const defaults = rewriteDefaults

/** More addresses than this belong in a directory. */
const addressesMax = 10_000

const address: Kind<string> = {
  words: 'an address',
  read(value) {
    const mailbox = parseMailbox(kinds.text.read(value))
    if (!mailbox) throw new kinds.ValueFault('must be an address, such as "alice@example.org"')
    return formatMailbox(mailbox)
  },
  format: (value) => JSON.stringify(value),
}

/** `@example.org` for all of a domain. */
function addressOrDomain(value: unknown): string {
  const text = kinds.text.read(value)
  const domain = text.startsWith('@') ? parseDomain(text.slice(1)) : undefined
  if (domain !== undefined) return `@${domain}`
  const mailbox = parseMailbox(text)
  if (!mailbox) throw new kinds.ValueFault(`has ${JSON.stringify(text)}, which is neither an address nor "@domain"`)
  return formatMailbox(mailbox)
}

function addressMap(to: 'address' | 'addressOrDomain'): Kind<AddressMap> {
  const words =
    to === 'address'
      ? 'a table from addresses, or "@domain" for all of one, to an address'
      : 'a table from addresses to addresses; "@domain" is all of one, and keeps what stands before it'
  return {
    words,
    read(value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
        throw new kinds.ValueFault(`must be ${words}`, 'Write { "old@example.org" = "new@example.org" }.')
      const entries = Object.entries(value)
      if (entries.length > addressesMax) throw new kinds.ValueFault(`must have at most ${addressesMax} addresses`)
      return new Map(
        entries.map(([from, given]) => [
          addressOrDomain(from).toLowerCase(),
          to === 'address' ? address.read(given) : addressOrDomain(given),
        ]),
      )
    },
    format: (map) =>
      `{ ${[...map].map(([from, given]) => `${JSON.stringify(from)} = ${JSON.stringify(given)}`).join(', ')} }`,
  }
}

const pattern: Kind<string> = {
  words: 'a regular expression between slashes, with i behind it for any case',
  read(value) {
    const text = kinds.text.read(value)
    const read = parsePattern(text)
    if (read.kind === 'fault') throw new kinds.ValueFault(read.problem)
    return text
  },
  format: (value) => JSON.stringify(value),
}

export const rewriteOptions = {
  canonical: option(
    addressMap('addressOrDomain'),
    defaults.canonical,
    'Addresses of senders and recipients, on the envelope and in headers, and what they become: internal names to public ones. What follows a "+" stays. Once, not again with what was found.',
    new Map([['asmith@lan.example.org', 'anna.smith@example.org']]),
  ),
  senderCanonical: option(
    addressMap('addressOrDomain'),
    defaults.senderCanonical,
    'The same for senders alone (MAIL, From, Sender, Reply-To), before canonical.',
    new Map([['@lan.example.org', '@example.org']]),
  ),
  recipientCanonical: option(
    addressMap('addressOrDomain'),
    defaults.recipientCanonical,
    "The same for recipients alone (RCPT, To, Cc, Bcc), before canonical. RCPT of everybody's mail, before aliases.",
    new Map([['@old.example.org', '@example.org']]),
  ),
  masqueradeDomains: option(
    kinds.list(kinds.domain),
    defaults.masqueradeDomains,
    'Hosts below these domains are hidden: user@host.example.org becomes user@example.org in senders and headers. After the tables above.',
    ['example.org'],
  ),
  masqueradeExceptUsers: option(
    kinds.list(kinds.text),
    defaults.masqueradeExceptUsers,
    'Users whose addresses stay: whose root it is tells which machine has trouble.',
  ),
  masqueradeExceptDomains: option(
    kinds.list(kinds.domain),
    defaults.masqueradeExceptDomains,
    'Domains, and hosts below them, that stay.',
    ['lab.example.org'],
  ),
  alwaysBcc: option(
    kinds.list(address),
    defaults.alwaysBcc,
    'Who gets a copy of every message that arrives, for an archive. The sender hears nothing of it, whatever becomes of it.',
    ['archive@example.org'],
  ),
  senderBcc: option(
    addressMap('address'),
    defaults.senderBcc,
    'The same for the messages of some senders.',
    new Map([['@sales.example.org', 'archive@example.org']]),
  ),
  recipientBcc: option(
    addressMap('address'),
    defaults.recipientBcc,
    'The same for messages to some recipients.',
    new Map([['alice@example.org', 'deputy@example.org']]),
  ),
} satisfies { [K in keyof RewriteOptions]: Option<RewriteOptions[K]> }

export const checkOptions = {
  name: option(
    kinds.text,
    undefined,
    'For the log, "pennypost trace" and the ledger. Without it its number.',
    'lottery',
  ),
  where: option(
    kinds.choice('header', 'body'),
    'header',
    '"header": each field as "Name: value" on one line, encoded words both as they came and as they are read. "body": the first 64 KB of the body as they came, so nothing that is encoded in base64.',
  ),
  pattern: option(
    pattern,
    undefined,
    'Its ^ and $ are the ends of a line; lines are looked at up to 1000 characters.',
    '/^Subject: .*lottery/i',
  ),
  action: option(
    kinds.choice('reject', 'discard', 'hold', 'junk', 'redirect', 'bcc', 'prepend', 'strip', 'warn'),
    undefined,
    '"reject": 550 with the words in text. "discard": taken and forgotten. "hold": it waits in the queue until "pennypost queue release". "junk": filed in Junk. "redirect": to the address in text and nobody else. "bcc": a copy to it. "prepend": the field in text is added. "strip": the field that fits goes. "warn": it is logged.',
    'reject',
  ),
  text: option(kinds.text, undefined, 'What the action says or needs.', 'We do not play'),
  of: option(
    kinds.choice('strangers', 'everybody'),
    'everybody',
    'Whose messages: those of strangers on port 25, or of users and hosts of our own as well.',
  ),
}
