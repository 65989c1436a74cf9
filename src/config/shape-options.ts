/** Keys of the configuration file about what changes in messages: addresses, copies, rules for what they say. */
import { formatMailbox, parseDomain, parseMailbox } from '../mail/address.ts'
import { parsePattern } from '../delivery/checks/pattern.ts'
import { rewriteDefaults, type AddressMap, type RewriteOptions } from '../delivery/rewrite/options.ts'
import * as kinds from '../base/options/kinds.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import type { Kind } from '../base/options/kinds.ts'
import { option, type Option } from '../base/options/option.ts'

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
    'Rewrites addresses of senders and recipients, in the envelope and in headers: for example internal names to public ones. The detail after "+" is kept. A result is not rewritten again.',
    new Map([['asmith@lan.example.org', 'anna.smith@example.org']]),
  ),
  senderCanonical: option(
    addressMap('addressOrDomain'),
    defaults.senderCanonical,
    'Rewrites senders only (MAIL, From, Sender, Reply-To), before canonical.',
    new Map([['@lan.example.org', '@example.org']]),
  ),
  recipientCanonical: option(
    addressMap('addressOrDomain'),
    defaults.recipientCanonical,
    'Rewrites recipients only (RCPT, To, Cc, Bcc), before canonical. RCPT is rewritten in all mail, before aliases.',
    new Map([['@old.example.org', '@example.org']]),
  ),
  masqueradeDomains: option(
    kinds.list(mailKinds.domain),
    defaults.masqueradeDomains,
    'Hides hosts below these domains: user@host.example.org becomes user@example.org in senders and headers. Applied after the tables above.',
    ['example.org'],
  ),
  masqueradeExceptUsers: option(
    kinds.list(kinds.text),
    defaults.masqueradeExceptUsers,
    "Users that are not masqueraded: root's host shows which machine has a problem.",
  ),
  masqueradeExceptDomains: option(
    kinds.list(mailKinds.domain),
    defaults.masqueradeExceptDomains,
    'Domains, with the hosts below them, that are not masqueraded.',
    ['lab.example.org'],
  ),
  alwaysBcc: option(
    kinds.list(address),
    defaults.alwaysBcc,
    'Addresses that get a copy of every message, for an archive. The sender never gets a bounce or report for the copy.',
    ['archive@example.org'],
  ),
  senderBcc: option(
    addressMap('address'),
    defaults.senderBcc,
    'Addresses that get a copy of messages from certain senders.',
    new Map([['@sales.example.org', 'archive@example.org']]),
  ),
  recipientBcc: option(
    addressMap('address'),
    defaults.recipientBcc,
    'Addresses that get a copy of messages to certain recipients.',
    new Map([['alice@example.org', 'deputy@example.org']]),
  ),
} satisfies { [K in keyof RewriteOptions]: Option<RewriteOptions[K]> }

export const checkOptions = {
  name: option(
    kinds.text,
    undefined,
    'The name in the log, "pennypost trace" and the ledger. Default: its number.',
    'lottery',
  ),
  where: option(
    kinds.choice('header', 'body'),
    'header',
    'What to match. "header": each field as "Name: value" on one line, with encoded words both as sent and decoded. "body": the first 64 KB of the body as sent, so not what is encoded in base64.',
  ),
  pattern: option(
    pattern,
    undefined,
    'A regular expression. ^ and $ match at line ends; the first 1000 characters of a line are looked at.',
    '/^Subject: .*lottery/i',
  ),
  action: option(
    kinds.choice('reject', 'discard', 'hold', 'junk', 'redirect', 'bcc', 'prepend', 'strip', 'warn'),
    undefined,
    '"reject": refuse with 550 and text. "discard": accept and delete. "hold": keep in the queue until "pennypost queue release". "junk": file into Junk. "redirect": send to the address in text only. "bcc": send a copy to it. "prepend": add the header field in text. "strip": remove the matching field. "warn": log it.',
    'reject',
  ),
  text: option(
    kinds.text,
    undefined,
    'The argument of the action: reply text, address or header field.',
    'We do not play',
  ),
  of: option(
    kinds.renamed(kinds.choice('unauthenticated', 'all'), { strangers: 'unauthenticated', everybody: 'all' }),
    'all',
    'Which messages are checked: those from unauthenticated clients on port 25 ("unauthenticated"), or all, with those of signed-in users and trusted networks ("all").',
  ),
}
