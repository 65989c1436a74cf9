/** Options of clients. Only `host` is required; every default is safe. */
import type { TellDialogue } from './dialogue.ts'
import type { SendWishes } from './outgoing-mail.ts'
import type { SmtpProxy } from './proxy.ts'
import type { DkimOptions } from './sign-mail.ts'

/**
 * - `implicit`: TLS from the first byte, the certificate checked.
 * - `starttls`: TLS by STARTTLS, the certificate checked; without TLS nothing is sent.
 * - `opportunistic`: TLS if the server offers it, without checking its certificate, else clear text; as between mail servers. RFC 7435.
 * - `none`: clear text.
 */
export type SmtpTlsMode = 'implicit' | 'starttls' | 'opportunistic' | 'none'

export type SmtpSignIn =
  | { readonly username: string; readonly password: string }
  /** OAUTHBEARER or XOAUTH2. A function is called for each connection, so that it can return a fresh token. */
  | { readonly username: string; readonly token: string | (() => string | Promise<string>) }

export interface SmtpConnectOptions {
  /** Host name or IP address. */
  readonly host: string
  /** Default: 465 for implicit TLS, else 587. */
  readonly port?: number
  /** Default: `implicit` at port 465, else `starttls`. */
  readonly tls?: SmtpTlsMode
  /** Certificate authorities in addition to the well-known ones, PEM: for private certificates. */
  readonly ca?: string | readonly string[]
  /** The name that the certificate must be valid for. Default: `host`. */
  readonly serverName?: string
  /** false: the certificate is not checked, not even with `implicit` and `starttls`. Default: true. */
  readonly verify?: boolean
  /** SCRAM is preferred. A password or token is sent as it is only under TLS, or to loopback. */
  readonly auth?: SmtpSignIn
  /** Our name in EHLO. Default: this machine's name. */
  readonly hostname?: string
  /** Speak LMTP (RFC 2033): each recipient has its own reply. */
  readonly lmtp?: boolean
  readonly localAddress?: string
  /** SOCKS5. RFC 1928, RFC 1929. */
  readonly proxy?: SmtpProxy
  /** Called with every line of the dialogue, without passwords and messages: for debugging. */
  readonly dialogue?: TellDialogue
  /** Default: 30,000. */
  readonly connectTimeoutMs?: number
}

export interface SmtpPoolOptions extends SmtpConnectOptions {
  /** Connections at the same time. Default: 5. */
  readonly connectionsMax?: number
  /** Messages on one connection, before a new one is made. Default: 100; a lower limit of the server (LIMITS, RFC 9422) is obeyed. */
  readonly messagesMax?: number
  /** At most `messages` start within any `perMs`, for servers that limit the rate. Default: no limit. */
  readonly rate?: { readonly messages: number; readonly perMs: number }
  /** How long an idle connection is kept. Default: 5,000. */
  readonly idleMs?: number
  /**
   * Messages that may wait for a connection; further ones are refused at once with a RangeError, so that a burst cannot fill the memory.
   * Default: 10,000.
   */
  readonly waitingMax?: number
  /** Every message is signed with each of these keys. */
  readonly dkim?: DkimOptions | readonly DkimOptions[]
  /** For every message; those given to `send` take precedence. */
  readonly wishes?: SendWishes
}
