/** What the authentication of the sender has found, as delivery needs it: for the header, and for sealing. RFC 8601, RFC 8617. */
import type { Evidence } from '../trust/authentication-results.ts'

export interface Judgement {
  readonly evidence: Evidence
  /** The value of Authentication-Results. */
  readonly results: string
  /** The whole field, folded. */
  readonly field: string
  /** Whether forwarded copies are sealed with these results. */
  readonly seals: boolean
}
