/** The entries of an address list. RFC 5322 §3.4. Text is header text: one character per byte. */

export interface AddressMailbox {
  readonly kind: 'mailbox'
  /** Display name without quotes, encoded words not decoded; from a comment if there is no phrase. */
  readonly name?: string
  /** `@a,@b` of an obsolete route. RFC 5322 §4.4. */
  readonly route?: string
  /** Without quotes. Empty for a name followed by `<>`. */
  readonly localPart: string
  /** Empty if the message gives none. */
  readonly domain: string
}

export interface AddressGroup {
  readonly kind: 'group'
  readonly name: string
  readonly members: readonly AddressMailbox[]
}

export type AddressEntry = AddressMailbox | AddressGroup
