/** Notes connections for TLS reports to their domains. RFC 8460 §4. */
import type { TlsaRecord } from '../../base/resolver.ts'
import type { StsPolicy } from '../../trust/mta-sts/policy.ts'
import type { Host } from '../route.ts'

/** RFC 8460 §4.3. */
export type TlsFailure =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'tlsa-invalid'
  | 'dnssec-invalid'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid'

export type NotedPolicy =
  | { readonly type: 'tlsa'; readonly records: readonly TlsaRecord[] }
  | { readonly type: 'sts'; readonly policy: StsPolicy }
  | { readonly type: 'no-policy-found' }

export interface TlsNotes {
  /** @param failure undefined: the policy was met. */
  note(
    host: Host,
    policy: NotedPolicy,
    failure?: TlsFailure,
    more?: { readonly address?: string; readonly localAddress?: string; readonly reason?: string },
  ): void
}
