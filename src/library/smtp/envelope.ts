/** The envelope (MAIL and RCPT), as handlers see it. RFC 5321 §3.3, RFC 3461. */
import { formatMailbox } from '../../mail/address.ts'
import type { Mailbox, RecipientDsn, ReversePath } from '../../mail/envelope.ts'
import type { MailParameters } from '../../protocol/smtp/backend.ts'

/** MAIL FROM with its parameters: SIZE, BODY, SMTPUTF8, and those that the server `offers`. */
export interface SmtpSender extends MailParameters {
  /** `user@example.org`, the domain in lower case; '' is the null reverse-path of bounces. RFC 5321 §4.5.5. */
  readonly address: string
  /** null: the null reverse-path. */
  readonly mailbox: ReversePath
}

/** RCPT TO; `notify` and `originalRecipient` only if the server `offers` DSN. RFC 3461 §4. */
export interface SmtpRecipient extends RecipientDsn {
  readonly address: string
  readonly mailbox: Mailbox
}

export interface SmtpEnvelope {
  readonly sender: SmtpSender
  /** Accepted recipients, in order. */
  readonly recipients: readonly SmtpRecipient[]
}

export function senderOf(mailbox: ReversePath, parameters: MailParameters): SmtpSender {
  return { ...parameters, address: mailbox ? formatMailbox(mailbox) : '', mailbox }
}

export function recipientOf(mailbox: Mailbox, dsn: RecipientDsn): SmtpRecipient {
  return { ...dsn, address: formatMailbox(mailbox), mailbox }
}
