/** The handlers of an `SmtpServer`: one function for each moment of a session. Only `onMessage` is required. */
import type { SmtpEnvelope, SmtpRecipient, SmtpSender } from './envelope.ts'
import type { IncomingMessage } from './incoming-message.ts'
import type { SmtpRefusal } from './refusal.ts'
import type { SmtpSession } from './server-session.ts'

/** A value, or a promise that settles within `handlerTimeoutMs`. */
export type Later<T> = T | Promise<T>

/** The outcome for a message, or for one recipient: accepted (a string is the text of the reply: `Queued as 17`), or refused. */
export type MessageResult = void | string | SmtpRefusal

/** No such user. */
export type NoUser = null | undefined | false

/**
 * A handler refuses by throwing an SmtpRefusal, which becomes the reply. Any other error goes to `onError`, and the client gets
 * `451 4.3.0`: it may try again.
 */
export interface SmtpHandlers<User> {
  /** PLAIN and LOGIN. Offered under TLS only, unless `plaintextAuth` is set. @returns the user; null for a wrong name or password. */
  onPassword?(
    credentials: { readonly username: string; readonly password: string },
    session: SmtpSession<User>,
  ): Later<User | NoUser>
  /** OAUTHBEARER (RFC 7628) and XOAUTH2. `username` is '' if the client names none. @returns the user; null for an invalid token. */
  onToken?(
    credentials: { readonly username: string; readonly token: string },
    session: SmtpSession<User>,
  ): Later<User | NoUser>
  /**
   * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS. RFC 7677.
   * @returns the user and the keys that `makeScramKeys` made of the password; null for an unknown name, which the client cannot tell
   * from a wrong password.
   */
  findScramKeys?(
    username: string,
    session: SmtpSession<User>,
  ): Later<{ readonly keys: string; readonly user: User } | NoUser>
  /**
   * EXTERNAL: sign-in by a client certificate that `clientAuthority` has signed. `addresses` are the mail addresses in it; `username` is
   * '' if the client asks for none. @returns the user; null if no user has one of these addresses. RFC 4422 appendix A.
   */
  onCertificate?(
    credentials: { readonly username: string; readonly addresses: readonly string[] },
    session: SmtpSession<User>,
  ): Later<User | NoUser>
  /** A client has connected; no greeting was sent yet. A refusal ends the connection. */
  onConnect?(session: SmtpSession<User>): Later<void>
  /** TLS is established, by STARTTLS or from the first byte. A refusal ends the connection. */
  onSecure?(session: SmtpSession<User>): Later<void>
  /** MAIL. */
  onMail?(sender: SmtpSender, session: SmtpSession<User>): Later<void>
  /** RCPT, one call for each. Without this handler every recipient is accepted. */
  onRcpt?(recipient: SmtpRecipient, session: SmtpSession<User>): Later<void>
  /**
   * The message, from its first bytes on. When this resolves, the client gets a 250: a promise that the message will not be lost
   * (RFC 5321 §6.1). A list is one outcome for each recipient, in order. LMTP sends a reply for each (RFC 2033 §4.2). SMTP has a single
   * reply, which is 250 if any recipient was accepted: bouncing to the sender for the others is then up to you.
   */
  onMessage(message: IncomingMessage, session: SmtpSession<User>): Later<MessageResult | readonly MessageResult[]>
  /** A transaction ended without a message: by RSET, by a new EHLO, or because the connection was lost. */
  onReset?(envelope: SmtpEnvelope, session: SmtpSession<User>): void
  /** The connection is closed. */
  onClose?(session: SmtpSession<User>): void
  /** A handler threw something other than an SmtpRefusal, or took too long. Default: `console.error`. */
  onError?(error: unknown, session: SmtpSession<User>): void
}
