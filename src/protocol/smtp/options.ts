/** What the owner of an SMTP session hands in. */
import type { Clock } from '../../base/clock.ts'
import type { Peer } from '../../base/network.ts'
import type { VouchedSource } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { SmtpReceiver, SmtpService } from './backend.ts'
import type { SmtpRateLimits } from './rate-limits.ts'
import type { SmtpPolicy } from './policy.ts'
import type { SmtpPromise } from './promises.ts'

export interface SmtpServerOptions {
  readonly service: SmtpService
  readonly receiver: SmtpReceiver
  /** Our name in the greeting. */
  readonly hostname: string
  readonly mechanisms: readonly SaslMechanism[]
  /** A certificate is there: STARTTLS is offered on connections in clear. */
  readonly startTls: boolean
  /** Passwords may cross in clear: for loopback only. */
  readonly plaintextAuth: boolean
  readonly messageBytesMax: number
  /** What becomes of a body with a CR or LF that stands alone: refused, or its lines mended. RFC 5321 §2.3.8. */
  readonly bareNewline?: 'refuse' | 'normalize'
  /** Whether a peer may send to others without signing in. */
  readonly trusted?: (peer: Peer) => boolean
  /** Default: `smtpDefaults`. */
  readonly policy?: SmtpPolicy
  /** Without it no extension that needs time is offered, and no client is delayed. */
  readonly clock?: Clock
  /** Counts over all connections; undefined: there are none. */
  readonly rateLimits?: SmtpRateLimits
  /** Signs in the account that a proxy names (LOGIN of XCLIENT); undefined: none. */
  readonly vouched?: VouchedSource
  /** Not offered in EHLO, and their parameters are refused as unknown: the receiver does not keep them. */
  readonly withheld?: readonly SmtpPromise[]
  /** Names the connection in logs and traces. */
  readonly connectionId: string
}
