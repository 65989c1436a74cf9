/** The interface behind an SMTP, submission or LMTP server: the receiver of the mail. Five calls a message. */
import type { Peer, TlsFacts } from '../../base/network.ts'
import type { ContentSink } from '../../mail/content.ts'
import type { Handling, Mailbox, RecipientDsn, ReversePath } from '../../mail/envelope.ts'
import type { Status } from '../../mail/status.ts'
import type { Authenticated, Authenticator } from '../sasl/authenticator.ts'
import type { Forwarded } from './forwarded.ts'

/** What is known of the client when a transaction begins. */
export interface SmtpClientFacts {
  /** Names this connection in logs and traces. */
  readonly connectionId: string
  readonly service: SmtpService
  /** As its proxy says, where there is one. */
  readonly peer: Peer
  /** The address of the proxy that spoke for it, by XCLIENT. */
  readonly proxy?: string
  /** The client's name, as that proxy found it. */
  readonly clientName?: string
  /** What a filter said of where the message came from, by XFORWARD: for records alone. */
  readonly origin?: Forwarded
  readonly tls: TlsFacts | null
  /** The argument of EHLO, HELO or LHLO. */
  readonly helo: string
  /** For Received, RFC 3848: 'SMTP', 'ESMTP', 'ESMTPS', 'ESMTPA', 'ESMTPSA', 'LMTP', 'LMTPS', 'UTF8SMTP…' (RFC 6531 §4.3). */
  readonly withProtocol: string
  readonly user: Authenticated | null
  /** Of our own network: it may send to others without signing in. */
  readonly trusted: boolean
}

export type SmtpService = 'smtp' | 'submission' | 'submissions' | 'lmtp'

/** Parameters of MAIL that the receiver acts on; the session has checked their grammar and that they were offered. */
export interface MailParameters extends Handling {
  /** SIZE as declared, bytes. */
  readonly sizeBytes?: number
  readonly body: '7bit' | '8bitmime' | 'binarymime'
  readonly smtpUtf8: boolean
  readonly ret?: 'full' | 'hdrs'
  readonly envelopeId?: string
  /** AUTH=<mailbox>, RFC 4954 §5; null is `<>`. */
  readonly auth?: string | null
}

/** What waits for a host: for a domain, for a domain and all below it, or in a queue of some name. RFC 1985 §5.3. */
export interface WaitingFor {
  readonly kind: 'domain' | 'below' | 'queue'
  /** Lower case. */
  readonly name: string
}

/** The answer to VRFY or EXPN. RFC 5321 §3.5. */
export type AddressAnswer =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'ambiguous'; readonly mailboxes: readonly Mailbox[] }
  /** `members`: whom mail for it goes to; itself alone, where it is a user. */
  | { readonly kind: 'known'; readonly mailbox: Mailbox; readonly members: readonly Mailbox[] }

/** One connection, as its receiver follows it. */
export interface SmtpConnection {
  /**
   * EHLO, HELO or LHLO; again after STARTTLS, and then what was said before counts no more (RFC 3207 §4.2). Throws a Refusal:
   * the connection stays as it was. Answers at once (undefined) where nothing has to be waited for.
   */
  hello?(client: SmtpClientFacts): Promise<void> | undefined
  /** As `SmtpReceiver.mail`. */
  mail(client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters): Promise<SmtpTransaction>
  /** It is gone, or speaks for another client from here on (XCLIENT). Called once, after the last transaction was ended or aborted. */
  closed?(): void
}

export interface SmtpReceiver extends Authenticator {
  /** ETRN: tries again at once what waits. @returns how many recipients do. Absent: it is not offered. */
  flush?(node: WaitingFor): Promise<number>
  /** VRFY and EXPN: `user`, or `user@domain`. Called only for clients that the policy allows to ask. Absent: no address is told. */
  lookUp?(name: string): Promise<AddressAnswer>
  /** A connection has opened; its messages are then brought to what this returns. Absent: the receiver follows messages only. */
  connected?(client: SmtpClientFacts): SmtpConnection
  /** MAIL. Throws a Refusal. Answers at once (not a promise) where nothing has to be waited for. */
  mail(client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters): Promise<SmtpTransaction>
}

/** One message from MAIL to the end of its data. */
export interface SmtpTransaction {
  /** RCPT. Throws a Refusal; a recipient that was taken keeps its place in the order. */
  recipient(mailbox: Mailbox, parameters: RecipientDsn): Promise<void>
  /**
   * DATA, before the client is told to go ahead, or the first BDAT. Throws a Refusal. Absent, or undefined at once: go ahead.
   */
  ready?(): Promise<void> | undefined
  /** DATA or the first BDAT: where the bytes go, with CRLF line ends (unless BODY=BINARYMIME), dot-stuffing undone, the final dot gone. */
  data(): ContentSink<unknown>
  /**
   * The data ended well: everything that was accepted is durable when this resolves. RFC 5321 §6.1.
   * SMTP: one status. LMTP: one for each recipient in order (RFC 2033 §4.2). Throws a Refusal for all of them.
   */
  finish(): Promise<readonly Status[]>
  /** RSET, QUIT, a fault in the data, or the connection is gone: nothing is kept. Not called after `finish`. */
  abort(): void
}
