/** What SMTP says of a message apart from its content. RFC 5321 §2.3.1. */

/** A mailbox address in its SMTP form. The local part keeps its spelling; the domain is lower case and an A-label or address literal. */
export interface Mailbox {
  readonly localPart: string
  readonly domain: string
}

/** MAIL FROM. `null` is the empty reverse-path `<>` of notices. RFC 5321 §4.5.5. */
export type ReversePath = Mailbox | null

/** RFC 3461 §4: what the sender wishes to be told, kept from the first schema on. */
export interface RecipientDsn {
  readonly notify?: readonly ('never' | 'success' | 'failure' | 'delay')[]
  readonly originalRecipient?: string
}

/** RFC 2852: when it is to be delivered by, and what becomes of it when it is not. */
export interface DeliverBy {
  readonly atMs: number
  /** 'return': it is late, and of no use any more. 'notify': its sender is told. */
  readonly mode: 'return' | 'notify'
  /** Each relay tells the sender that it went on. */
  readonly trace: boolean
}

/** RFC 4865: not before that. */
export interface FutureRelease {
  readonly atMs: number
  /** As it was said, for notices: `for;3600` or `until;2038-01-19T03:14:07Z`. RFC 4865 §5.1.2. */
  readonly request: string
}

/** What the sender asks of the way that the message takes. */
export interface Handling {
  /** TLS with a proven server all the way, or not at all. RFC 8689 §4. */
  readonly requireTls?: boolean
  /** `TLS-Required: No`: arrival counts more than what the recipient's domain demands of TLS. RFC 8689 §3. */
  readonly tlsOptional?: boolean
  readonly deliverBy?: DeliverBy
  readonly release?: FutureRelease
  /** -9 to 9, the highest first; none is 0. RFC 6710. */
  readonly priority?: number
}

export interface Recipient extends RecipientDsn {
  readonly mailbox: Mailbox
}

export interface Envelope extends Handling {
  readonly reversePath: ReversePath
  readonly recipients: readonly Recipient[]
  readonly body: '7bit' | '8bitmime' | 'binarymime'
  /** The client said SMTPUTF8: addresses or header may hold UTF-8. RFC 6531 §3.4. */
  readonly smtpUtf8: boolean
  /** RFC 3461 §4.3, §4.4. */
  readonly ret?: 'full' | 'hdrs'
  readonly envelopeId?: string
}
