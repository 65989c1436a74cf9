/** What becomes of each recipient at the end of data, and of the whole. docs/architecture.md §3. Sieve and policy fill these in. */
import { status, type Status } from '../mail/status.ts'

/** One recipient's outcome. */
export type Plan =
  | {
      readonly kind: 'file'
      readonly recipient: string
      readonly account: { readonly id: number; readonly name: string }
      readonly mailbox: number
      readonly flags: readonly string[]
    }
  /** Another host's, or ours but later. */
  | { readonly kind: 'queue'; readonly recipient: string; readonly address: string; readonly destination: string }
  /** `account`: whose mailbox it would have been, where it only has no room now. */
  | {
      readonly kind: 'refuse'
      readonly recipient: string
      readonly status: Status
      readonly account?: { readonly id: number; readonly name: string }
    }
  | { readonly kind: 'discard'; readonly recipient: string; readonly rule: string }

/** What a recipient of the transaction turned into: several plans after aliases, at least one. */
export interface Planned {
  readonly recipient: string
  readonly plans: readonly Plan[]
}

export type Outcome =
  /** Nothing is kept; the client hears this. */
  | { readonly kind: 'refuse'; readonly status: Status }
  /** One commit does everything; the sender is told of `refused` by a notice in it. */
  | { readonly kind: 'accept'; readonly accepted: readonly Plan[]; readonly refused: readonly Refused[] }

export type Refused = Extract<Plan, { kind: 'refuse' }>

function isTemporary({ code }: Status): boolean {
  return code < 500
}

/** The outcome table for SMTP: one answer for all recipients. */
export function decide(planned: readonly Planned[]): Outcome {
  const plans = planned.flatMap(({ plans }) => plans)
  const refused = plans.filter((plan) => plan.kind === 'refuse')
  if (refused.length < plans.length)
    return { kind: 'accept', accepted: plans.filter((plan) => plan.kind !== 'refuse'), refused }
  // A 4xx for one lets the client try all again; a 5xx would end the others' chance.
  const temporary = refused.find((plan) => isTemporary(plan.status))
  return { kind: 'refuse', status: (temporary ?? refused[0])?.status ?? status.localError }
}

/**
 * LMTP: each recipient has its own answer, and no notice is needed for those: the client makes it. RFC 2033 §4.2.
 * `refused` are those behind an alias that others made a success: of them only we can tell.
 */
export function decideEach(
  planned: readonly Planned[],
  accepted: Status,
): { readonly accepted: readonly Plan[]; readonly refused: readonly Refused[]; readonly replies: readonly Status[] } {
  const kept: Plan[] = []
  const refused: Refused[] = []
  const replies = planned.map(({ plans }) => {
    const outcome = decide([{ recipient: '', plans }])
    if (outcome.kind === 'refuse') return outcome.status
    kept.push(...outcome.accepted)
    refused.push(...outcome.refused)
    return accepted
  })
  return { accepted: kept, refused, replies }
}
