/** Options of an `SmtpServer`. Only `onMessage` is required; every default is safe. */
import type { Log } from '../../base/log.ts'
import type { SmtpService } from '../../protocol/smtp/backend.ts'
import type { SmtpPolicy } from '../../protocol/smtp/policy.ts'
import type { SmtpPromise } from '../../protocol/smtp/promises.ts'
import type { TellDialogue } from './dialogue.ts'
import type { SmtpHandlers } from './handlers.ts'

/** PEM, as text or as read from a file: the certificate, then its chain. */
export interface SmtpCertificate {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
}

export interface SmtpServerSettings<User> extends SmtpHandlers<User> {
  /** Our name in the greeting, and in a self-signed certificate. Default: `localhost`. */
  readonly hostname?: string
  /**
   * `smtp`: mail from other servers (RFC 5321); `submission`: mail from users (RFC 6409); `submissions`: the same with implicit TLS
   * (RFC 8314); `lmtp`: one reply for each recipient (RFC 2033). Default: `submission` if a sign-in handler is given, else `smtp`.
   */
  readonly service?: SmtpService
  /**
   * Certificates in PEM, each followed by its chain, chosen by SNI name; or a self-signed one, which no client trusts.
   * Default: none, and STARTTLS is not offered.
   */
  readonly tls?: 'self-signed' | SmtpCertificate | readonly SmtpCertificate[]
  /** The authority of client certificates, PEM: clients are then asked for one, see `onCertificate`. Default: clients are not asked. */
  readonly clientAuthority?: string
  /** TLS from the first byte. Default: only for `submissions`. */
  readonly implicitTls?: boolean
  /** If a sign-in handler is given, clients must sign in before MAIL. Default: true. */
  readonly authRequired?: boolean
  /** Passwords may cross the wire in clear: for loopback and tests. Default: false. */
  readonly plaintextAuth?: boolean
  /**
   * Extensions that promise something about how the message is handled later. Their parameters are passed to `onMail` and `onRcpt`;
   * keeping the promise is up to the handlers. Default: `['SMTPUTF8']`.
   */
  readonly offers?: readonly SmtpPromise[]
  /** Advertised in SIZE, RFC 1870. A larger message is refused (552); reading it throws an SmtpAbortFault. Default: 50 MiB. */
  readonly messageBytesMax?: number
  /** A bare CR or LF allows SMTP smuggling: the message is refused, or its line ends are repaired. Default: `refuse`. */
  readonly bareNewline?: 'refuse' | 'normalize'
  /** Limits and pauses that differ from `smtpDefaults`. */
  readonly policy?: Partial<Omit<SmtpPolicy, 'xclientFrom' | 'addressQueries'>> & {
    /** `nobody` is the old name of `none`. */
    readonly addressQueries?: SmtpPolicy['addressQueries'] | 'nobody'
  }
  /** Networks (`192.0.2.0/24`) of proxies that may name the real client by XCLIENT and XFORWARD. Default: none. */
  readonly xclientFrom?: readonly string[]
  /** Networks of proxies whose connections must begin with a PROXY header. Default: none. */
  readonly proxyFrom?: readonly string[]
  /** Connections at the same time; further ones get a 421. Default: 20,000. */
  readonly connectionsMax?: number
  /** Connections from one address; loopback is not counted. Default: 1,000. */
  readonly connectionsPerAddressMax?: number
  /** Gets events that no handler sees, such as failed handshakes. Default: none are logged. */
  readonly log?: Log
  /** Called with every line of the dialogue, without passwords and messages: for debugging. Default: none. */
  readonly dialogue?: TellDialogue
  /** How long a handler may take; clients wait five to ten minutes (RFC 5321 §4.5.3.2). Default: 300,000. */
  readonly handlerTimeoutMs?: number
}

/** As in the program: the largest size that common servers accept. */
export const messageBytesMaxDefault = 50 * 1024 * 1024
export const handlerTimeoutMsDefault = 300_000
/** How long `close` waits for messages that are being received. */
export const graceMsDefault = 30_000
