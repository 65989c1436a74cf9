/** What is changed of addresses on the way, and who gets copies. */

/** By address, lower case, or `@domain` for all of one; to an address, or to `@domain`, which keeps the local part. */
export type AddressMap = ReadonlyMap<string, string>

export interface RewriteOptions {
  /** Of senders and recipients both, after the two below. */
  readonly canonical: AddressMap
  readonly senderCanonical: AddressMap
  readonly recipientCanonical: AddressMap
  /** Hosts below these domains are not told of: `user@host.example.org` becomes `user@example.org`. */
  readonly masqueradeDomains: readonly string[]
  /** Whose addresses stay. */
  readonly masqueradeExceptUsers: readonly string[]
  /** Domains, and hosts below them, that stay. */
  readonly masqueradeExceptDomains: readonly string[]
  /** Who gets a copy of every message. */
  readonly alwaysBcc: readonly string[]
  /** Of the messages from an address, or to one. */
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
