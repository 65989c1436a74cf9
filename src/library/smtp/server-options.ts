/** What an `SmtpServer` may be told. Each has a default that is safe; none is needed but `onMessage`. */
import type { Log } from '../../base/log.ts'
import type { SmtpService } from '../../protocol/smtp/backend.ts'
import type { SmtpPolicy } from '../../protocol/smtp/policy.ts'
import type { SmtpPromise } from '../../protocol/smtp/promises.ts'
import type { TellDialogue } from './dialogue.ts'
import type { SmtpHandlers } from './handlers.ts'

/** PEM, as text or as read from a file; the chain behind the certificate. */
export interface SmtpCertificate {
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
}

export interface SmtpServerSettings<User> extends SmtpHandlers<User> {
  /** Our name in the greeting, and in a certificate of our own. Default: `localhost`. */
  readonly hostname?: string
  /**
   * `smtp`: other servers bring mail (RFC 5321); `submission`: people send (RFC 6409); `submissions`: the same under TLS from the first byte
   * (RFC 8314); `lmtp`: one answer for each recipient (RFC 2033). Default: `submission` where a sign-in handler is given, else `smtp`.
   */
  readonly service?: SmtpService
  /**
   * Certificates in PEM, the chain behind each, chosen by SNI name; or one of our own, which no client trusts. Default: none, and no STARTTLS.
   */
  readonly tls?: 'self-signed' | SmtpCertificate | readonly SmtpCertificate[]
  /** PEM of who may sign certificates of clients: they are asked for theirs, for `onCertificate`. Default: nobody is asked. */
  readonly clientAuthority?: string
  /** TLS from the first byte. Default: for `submissions`. */
  readonly implicitTls?: boolean
  /** Where a sign-in handler is given, nobody sends before he has signed in. Default: true. */
  readonly authRequired?: boolean
  /** Passwords may cross the wire in clear: for loopback and tests. Default: false. */
  readonly plaintextAuth?: boolean
  /**
   * Extensions that promise something of the message's further way; their parameters then reach `onMail` and `onRcpt`, and keeping the
   * promise is the handlers' work. Default: `['SMTPUTF8']`.
   */
  readonly offers?: readonly SmtpPromise[]
  /** Told in SIZE, RFC 1870; a larger message is refused (552) and its handler told that it broke off. Default: 50 MiB. */
  readonly messageBytesMax?: number
  /** A CR or LF that stands alone lets others see two messages in one: the message is refused, or its lines mended. Default: `refuse`. */
  readonly bareNewline?: 'refuse' | 'normalize'
  /** What of `smtpDefaults` is to be otherwise: recipients, messages, errors, pauses; `greetPauseMs` for greylisted greetings. */
  readonly policy?: Partial<Omit<SmtpPolicy, 'xclientFrom' | 'addressQueries'>> & {
    /** `nobody` is the old name of `none`. */
    readonly addressQueries?: SmtpPolicy['addressQueries'] | 'nobody'
  }
  /** Networks (`192.0.2.0/24`) of proxies that may say by XCLIENT and XFORWARD whom they speak for. Default: none. */
  readonly xclientFrom?: readonly string[]
  /** Networks of proxies whose connections begin with a PROXY header; they must. Default: none. */
  readonly proxyFrom?: readonly string[]
  /** Connections at a time; one more hears 421. Default: 20,000. */
  readonly connectionsMax?: number
  /** Of one address; loopback is not counted. Default: 1,000. */
  readonly connectionsPerAddressMax?: number
  /** Hears of what is no handler's business: handshakes that fail, connections that were never any. Default: nobody. */
  readonly log?: Log
  /** Hears every line that is said, without passwords and messages: for finding faults. Default: nobody. */
  readonly dialogue?: TellDialogue
  /** What a handler may take; clients wait five to ten minutes (RFC 5321 §4.5.3.2). Default: 300,000. */
  readonly handlerTimeoutMs?: number
}

/** As in the program: the largest mail that common servers take. */
export const messageBytesMaxDefault = 50 * 1024 * 1024
export const handlerTimeoutMsDefault = 300_000
/** How long `close` waits for messages that are under way. */
export const graceMsDefault = 30_000
