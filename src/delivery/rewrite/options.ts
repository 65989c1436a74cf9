/** Options for address rewriting and BCC copies: `[rewrite]`. */
import * as kinds from '../../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../../base/options/option.ts'
import { formatMailbox, parseDomain, parseMailbox } from '../../mail/address.ts'
import * as mailKinds from '../../mail/option-kinds.ts'

/**
 * From an address, lower case, or `@domain` for all of a domain; to an address, or to `@domain`, which keeps the local
 * part.
 */
export type AddressMap = ReadonlyMap<string, string>

/** More addresses than this belong in a directory. */
const addressesMax = 10_000

const address: kinds.Kind<string> = {
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

function addressMap(to: 'address' | 'addressOrDomain'): kinds.Kind<AddressMap> {
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

export const rewriteOptions = table({
  canonical: option(
    addressMap('addressOrDomain'),
    new Map(),
    'Rewrites addresses of senders and recipients, in the envelope and in headers: for example internal names to public ones. The detail after "+" is kept. A result is not rewritten again.',
    new Map([['asmith@lan.example.org', 'anna.smith@example.org']]),
  ),
  senderCanonical: option(
    addressMap('addressOrDomain'),
    new Map(),
    'Rewrites senders only (MAIL, From, Sender, Reply-To), before canonical.',
    new Map([['@lan.example.org', '@example.org']]),
  ),
  recipientCanonical: option(
    addressMap('addressOrDomain'),
    new Map(),
    'Rewrites recipients only (RCPT, To, Cc, Bcc), before canonical. RCPT is rewritten in all mail, before aliases.',
    new Map([['@old.example.org', '@example.org']]),
  ),
  masqueradeDomains: option(
    kinds.list(mailKinds.domain),
    [],
    'Hides hosts below these domains: user@host.example.org becomes user@example.org in senders and headers. Applied after the tables above.',
    ['example.org'],
  ),
  masqueradeExceptUsers: option(
    kinds.list(kinds.text),
    ['root'],
    "Users that are not masqueraded: root's host shows which machine has a problem.",
  ),
  masqueradeExceptDomains: option(
    kinds.list(mailKinds.domain),
    [],
    'Domains, with the hosts below them, that are not masqueraded.',
    ['lab.example.org'],
  ),
  alwaysBcc: option(
    kinds.list(address),
    [],
    'Addresses that get a copy of every message, for an archive. The sender never gets a bounce or report for the copy.',
    ['archive@example.org'],
  ),
  senderBcc: option(
    addressMap('address'),
    new Map(),
    'Addresses that get a copy of messages from certain senders.',
    new Map([['@sales.example.org', 'archive@example.org']]),
  ),
  recipientBcc: option(
    addressMap('address'),
    new Map(),
    'Addresses that get a copy of messages to certain recipients.',
    new Map([['alice@example.org', 'deputy@example.org']]),
  ),
})

export type RewriteOptions = ValuesOf<typeof rewriteOptions>
export const rewriteDefaults: RewriteOptions = defaultsOf(rewriteOptions)
