/** Options for address rewriting and BCC copies. */

/**
 * From an address, lower case, or `@domain` for all of a domain; to an address, or to `@domain`, which keeps the local
 * part.
 */
export type AddressMap = ReadonlyMap<string, string>

export interface RewriteOptions {
  /** For senders and recipients, after the two below. */
  readonly canonical: AddressMap
  readonly senderCanonical: AddressMap
  readonly recipientCanonical: AddressMap
  /** Hosts below these domains are hidden: `user@host.example.org` becomes `user@example.org`. */
  readonly masqueradeDomains: readonly string[]
  /** Users whose addresses are kept. */
  readonly masqueradeExceptUsers: readonly string[]
  /** Domains, and hosts below them, that are kept. */
  readonly masqueradeExceptDomains: readonly string[]
  /** Get a copy of every message. */
  readonly alwaysBcc: readonly string[]
  /** Copies by sender, and by recipient. */
  readonly senderBcc: AddressMap
  readonly recipientBcc: AddressMap
}

export const rewriteDefaults: RewriteOptions = {
  canonical: new Map(),
  senderCanonical: new Map(),
  recipientCanonical: new Map(),
  masqueradeDomains: [],
  masqueradeExceptUsers: ['root'],
  masqueradeExceptDomains: [],
  alwaysBcc: [],
  senderBcc: new Map(),
  recipientBcc: new Map(),
}
