/** The envelope: what SMTP says about a message apart from its content. RFC 5321 §2.3.1. */

/** A mailbox address in its SMTP form. The local part keeps its spelling; the domain is lower case and an A-label or address literal. */
export interface Mailbox {
  readonly localPart: string
  readonly domain: string
}

/** MAIL FROM. `null` is the empty reverse-path `<>` of bounces. RFC 5321 §4.5.5. */
export type ReversePath = Mailbox | null

/** The DSN parameters of a recipient. RFC 3461 §4. */
export interface RecipientDsn {
  readonly notify?: readonly ('never' | 'success' | 'failure' | 'delay')[]
  readonly originalRecipient?: string
}

/** RFC 2852: the time to deliver by, and what happens if that fails. */
export interface DeliverBy {
  readonly atMs: number
  /** 'return': the message is returned if it is late. 'notify': delivery goes on, and the sender is told. */
  readonly mode: 'return' | 'notify'
  /** Each relay reports to the sender. */
  readonly trace: boolean
}

/** RFC 4865: the time before which the message is held. */
export interface FutureRelease {
  readonly atMs: number
  /** The parameter as it was sent, for DSNs: `for;3600` or `until;2038-01-19T03:14:07Z`. RFC 4865 §5.1.2. */
  readonly request: string
}

/** What the sender requests for the relaying of the message. */
export interface Handling {
  /** Verified TLS on every hop, or no delivery. RFC 8689 §4. */
  readonly requireTls?: boolean
  /** `TLS-Required: No`: delivery takes precedence over the TLS policy of the recipient's domain. RFC 8689 §3. */
  readonly tlsOptional?: boolean
  readonly deliverBy?: DeliverBy
  readonly release?: FutureRelease
  /** -9 to 9, the highest first; absent is 0. RFC 6710. */
  readonly priority?: number
}

export interface Recipient extends RecipientDsn {
  readonly mailbox: Mailbox
}

export interface Envelope extends Handling {
  readonly reversePath: ReversePath
  readonly recipients: readonly Recipient[]
  readonly body: '7bit' | '8bitmime' | 'binarymime'
  /** The client sent SMTPUTF8: addresses or header may contain UTF-8. RFC 6531 §3.4. */
  readonly smtpUtf8: boolean
  /** RFC 3461 §4.3, §4.4. */
  readonly ret?: 'full' | 'hdrs'
  readonly envelopeId?: string
}
