/** What a program that receives mail says to it: one function for each moment, all of them optional but the last. */
import type { SmtpEnvelope, SmtpRecipient, SmtpSender } from './envelope.ts'
import type { IncomingMessage } from './incoming-message.ts'
import type { SmtpRefusal } from './refusal.ts'
import type { SmtpSession } from './server-session.ts'

/** Now, or in a while; at most `handlerTimeoutMs`. */
export type Later<T> = T | Promise<T>

/** What becomes of a message, or of one recipient's copy: taken (in these words: `Queued as 17`), or refused. */
export type MessageResult = void | string | SmtpRefusal

/** Nobody. */
export type NoUser = null | undefined | false

/**
 * A handler that throws an SmtpRefusal is answered for in its words. Whatever else it throws is told to `onError`; the client hears
 * `451 4.3.0` and may try again.
 */
export interface SmtpHandlers<User> {
  /** PLAIN and LOGIN. @returns the user; null for a wrong password or name. Offered under TLS alone, but for `plaintextAuth`. */
  onPassword?(
    credentials: { readonly username: string; readonly password: string },
    session: SmtpSession<User>,
  ): Later<User | NoUser>
  /** OAUTHBEARER (RFC 7628) and XOAUTH2. `username` is '' where the client names none. @returns the user; null for a token that is not good. */
  onToken?(
    credentials: { readonly username: string; readonly token: string },
    session: SmtpSession<User>,
  ): Later<User | NoUser>
  /**
   * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: the keys that `makeScramKeys` made of somebody's password, and who it is.
   * @returns null for an unknown name: the client cannot tell that from a wrong password. RFC 7677.
   */
  findScramKeys?(
    username: string,
    session: SmtpSession<User>,
  ): Later<{ readonly keys: string; readonly user: User } | NoUser>
  /**
   * EXTERNAL: the client's certificate, which `clientAuthority` has signed, says who it is; `username` is '' where the client asks for
   * none. @returns the user; null where nobody has one of these addresses. RFC 4422 appendix A.
   */
  onCertificate?(
    credentials: { readonly username: string; readonly addresses: readonly string[] },
    session: SmtpSession<User>,
  ): Later<User | NoUser>
  /** Somebody is there; he has heard nothing yet. A refusal is the last thing that he hears. */
  onConnect?(session: SmtpSession<User>): Later<void>
  /** TLS stands, by STARTTLS or from the first byte. A refusal is the last thing that the client hears. */
  onSecure?(session: SmtpSession<User>): Later<void>
  /** MAIL. */
  onMail?(sender: SmtpSender, session: SmtpSession<User>): Later<void>
  /** RCPT, one call for each. Without this handler every recipient is taken. */
  onRcpt?(recipient: SmtpRecipient, session: SmtpSession<User>): Later<void>
  /**
   * The message, from its first bytes on. When this resolves the client is told that it was taken: a promise that it will not be lost
   * (RFC 5321 §6.1). A list answers for each recipient in order. LMTP tells them all (RFC 2033 §4.2); SMTP has one answer, which is
   * 250 where any was taken: the bounces for the others are then yours.
   */
  onMessage(message: IncomingMessage, session: SmtpSession<User>): Later<MessageResult | readonly MessageResult[]>
  /** RSET, a new EHLO, or the connection went, with a transaction open. */
  onReset?(envelope: SmtpEnvelope, session: SmtpSession<User>): void
  /** The connection is gone. */
  onClose?(session: SmtpSession<User>): void
  /** A handler threw what is no SmtpRefusal, or took too long. Without this it goes to `console.error`. */
  onError?(error: unknown, session: SmtpSession<User>): void
}
