/** What a configuration says, after it was read and checked: every key has a value. */
import type { AccountWatchOptions } from '../directory/account-watch.ts'
import type { IpNetwork } from '../base/ip-network.ts'
import type { AuthOptions, OAuthOptions } from '../directory/options.ts'
import type { DirectoryOptions } from '../directory/directory-options.ts'
import type { ConfigFault } from './fault.ts'
import type { SmtpService } from '../protocol/smtp/backend.ts'
import type { SmtpPolicy } from '../protocol/smtp/policy.ts'
import type { AdmissionLimits } from '../listen/admission.ts'
import type { PublishOptions } from '../web/discovery/publish-options.ts'
import type { SmtpRateOptions } from '../checks/network.ts'
import type { AuthenticityOptions } from '../checks/authenticity.ts'
import type { SenderRule } from '../checks/consequence.ts'
import type { ContentRule } from '../checks/content.ts'
import type { RewriteOptions } from '../delivery/rewrite/options.ts'
import type { RelayOptions } from '../delivery/options.ts'
import type { DestinationRule } from '../queue/options.ts'
import type { ReportOptions, TransferOptions } from '../transport/options.ts'
import type { Proxy, StaticRoute } from '../transport/static-routes.ts'

export type Service = SmtpService | 'imap' | 'imaps' | 'pop3' | 'pop3s' | 'managesieve' | 'http' | 'https'

export interface ListenerConfig {
  readonly service: Service
  readonly address: string
  /** 0: any free port. */
  readonly port: number
  /** 'implicit': handshake first; 'starttls': offered; 'none'. Follows from the service. */
  readonly tls: 'implicit' | 'starttls' | 'none'
  /** Takes passwords before TLS. Off; loopback may be excepted for tests. */
  readonly plaintextAuth: boolean
  /** What becomes of messages with a bare CR or LF. */
  readonly bareNewline: 'refuse' | 'normalize'
  /** The port that others reach this one by, where it differs. */
  readonly publicPort: number
  /** Proxies, whose connections begin with a PROXY header; absent: none. */
  readonly proxyFrom?: readonly IpNetwork[]
}

export type TlsConfig = { readonly authorities?: string } & (
  | { readonly source: 'self-signed' }
  | { readonly source: 'files'; readonly certificates: readonly { readonly cert: string; readonly key: string }[] }
)

export interface RouteConfig extends Omit<StaticRoute, 'password' | 'proxy'> {
  readonly passwordFile?: string
  readonly proxy?: Omit<Proxy, 'password'>
  readonly proxyPasswordFile?: string
}

export interface Config {
  /** Old names that it has, to be told when it is loaded. */
  readonly warnings: readonly ConfigFault[]
  readonly hostname: string
  /** The data folder, absolute. */
  readonly data: string
  /** Whom a process started by root becomes once its ports are bound. */
  readonly user: string | undefined
  readonly group: string | undefined
  /** Domains made on first start. */
  readonly domains: readonly string[]
  readonly listeners: readonly ListenerConfig[]
  readonly tls: TlsConfig
  /** Where `sendmail` hands mail over: the path of a Unix socket. */
  readonly submitSocket: string
  /** The domain of local users, and of addresses that programs give without one. */
  readonly origin: string
  /** Hosts that may send to others without signing in. */
  readonly trustedNetworks: readonly IpNetwork[]
  readonly warmUp: boolean
  readonly dns: {
    readonly servers: readonly string[]
    /** Their AD bit is believed. */
    readonly validated: boolean
    /** Addresses of names that no server is asked for. */
    readonly hosts: ReadonlyMap<string, readonly string[]>
    /** false: there is no DNS here, only `hosts`. */
    readonly lookups: boolean
  }
  readonly routes: readonly RouteConfig[]
  readonly relay: RelayOptions
  readonly reports: ReportOptions
  readonly publish: PublishOptions
  readonly destinations: readonly DestinationRule[]
  readonly transfer: TransferOptions
  readonly smtp: SmtpPolicy & SmtpRateOptions
  readonly pop3: { readonly loginDelayMs: number }
  readonly auth: AuthOptions
  readonly accountWatch: AccountWatchOptions
  /** `jwks` is a URL or an absolute path. */
  readonly oauth: OAuthOptions
  /** Paths are absolute. */
  readonly directory: DirectoryOptions
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error'
    /** undefined: standard error. */
    readonly file: string | undefined
    readonly format: 'auto' | 'json' | 'text'
  }
  readonly authenticity: AuthenticityOptions
  readonly senderRules: readonly SenderRule[]
  readonly rewrite: RewriteOptions
  /** Rules for headers and bodies, in their order. */
  readonly checks: readonly ContentRule[]
  readonly limits: AdmissionLimits & { readonly shutdownGraceMs: number }
}
