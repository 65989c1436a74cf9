/** What clients may be told. Each option has a default that is safe; none is needed but `host`. */
import type { TellDialogue } from './dialogue.ts'
import type { SendWishes } from './outgoing-mail.ts'
import type { SmtpProxy } from './proxy.ts'
import type { DkimOptions } from './sign-mail.ts'

/**
 * - `implicit`: TLS from the first byte, the certificate checked.
 * - `starttls`: TLS before anything is told, the certificate checked; no mail without it.
 * - `opportunistic`: TLS where it can be had, whoever it is, and clear text where not: what servers do among each other. RFC 7435.
 * - `none`: clear text.
 */
export type SmtpTlsMode = 'implicit' | 'starttls' | 'opportunistic' | 'none'

export type SmtpSignIn =
  | { readonly username: string; readonly password: string }
  /** OAUTHBEARER or XOAUTH2; a function is asked at each connection, so that the token can be a new one. */
  | { readonly username: string; readonly token: string | (() => string | Promise<string>) }

export interface SmtpConnectOptions {
  /** Name or address. */
  readonly host: string
  /** Default: 465 for implicit TLS, else 587. */
  readonly port?: number
  /** Default: `implicit` at port 465, else `starttls`. */
  readonly tls?: SmtpTlsMode
  /** Authorities beside the well-known ones, PEM: for certificates of one's own. */
  readonly ca?: string | readonly string[]
  /** The name that the certificate must have. Default: `host`. */
  readonly serverName?: string
  /** false: whoever answers is believed, also with `implicit` and `starttls`. Default: true. */
  readonly verify?: boolean
  /** By SCRAM where the server has it; a password or token is said under TLS alone, or to this machine. */
  readonly auth?: SmtpSignIn
  /** What we call ourselves. Default: this machine's name. */
  readonly hostname?: string
  /** LMTP, RFC 2033: each recipient gets an answer of its own. */
  readonly lmtp?: boolean
  readonly localAddress?: string
  /** SOCKS5. RFC 1928, RFC 1929. */
  readonly proxy?: SmtpProxy
  /** Hears every line that is said, without passwords and messages: for finding faults. */
  readonly dialogue?: TellDialogue
  /** Default: 30,000. */
  readonly connectTimeoutMs?: number
}

export interface SmtpPoolOptions extends SmtpConnectOptions {
  /** At a time. Default: 5. */
  readonly connectionsMax?: number
  /** One connection carries so many messages, then another is made. Default: 100; servers say their own limit by LIMITS (RFC 9422). */
  readonly messagesMax?: number
  /** No more than `messages` begin in any `perMs`: for servers that want it so. Default: as fast as it goes. */
  readonly rate?: { readonly messages: number; readonly perMs: number }
  /** A connection without work is kept for so long. Default: 5,000. */
  readonly idleMs?: number
  /** Messages that wait for a connection; one more is refused at once with a RangeError, or a burst would fill the memory. Default: 10,000. */
  readonly waitingMax?: number
  /** Signs every message, each with all keys. */
  readonly dkim?: DkimOptions | readonly DkimOptions[]
  /** For every message; what `send` is told goes over it. */
  readonly wishes?: SendWishes
}
