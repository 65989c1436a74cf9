/** What an address list holds. RFC 5322 §3.4. Text is header text: one character per byte. */

export interface AddressMailbox {
  readonly kind: 'mailbox'
  /** Display name without quotes, encoded words left as they are; from a comment where there is no phrase. */
  readonly name?: string
  /** `@a,@b` of an obsolete route. RFC 5322 §4.4. */
  readonly route?: string
  /** Without quotes. Empty where a name stands before `<>`. */
  readonly localPart: string
  /** Empty where the message gives none. */
  readonly domain: string
}

export interface AddressGroup {
  readonly kind: 'group'
  readonly name: string
  readonly members: readonly AddressMailbox[]
}

export type AddressEntry = AddressMailbox | AddressGroup
