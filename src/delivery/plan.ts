/**
 * Plans for each recipient at the end of data, and the outcome of the message. docs/architecture.md §3. Sieve and
 * policy add theirs.
 */
import type { Destination } from '../mail/destination.ts'
import type { AccountId } from '../mail/ids.ts'
import type { Evidence } from '../store/entities.ts'
import { status, type Status } from '../mail/status.ts'

/** Outcome for one recipient. */
export type Plan =
  | {
      readonly kind: 'file'
      readonly recipient: string
      readonly account: { readonly id: AccountId; readonly name: string }
      readonly mailbox: number
      readonly mailboxName: string
      readonly flags: readonly string[]
      /** For the queue, where this is not the time to file. */
      readonly evidence: Evidence
    }
  /** For another host, or local but later. */
  | {
      readonly kind: 'queue'
      readonly recipient: string
      readonly address: string
      readonly destination: Destination
      /** If the destination is local. */
      readonly evidence?: Evidence
    }
  /** `account`: set if the mailbox exists and is only full. */
  | {
      readonly kind: 'refuse'
      readonly recipient: string
      readonly status: Status
      readonly account?: { readonly id: AccountId; readonly name: string }
    }
  | { readonly kind: 'discard'; readonly recipient: string; readonly rule: string }

/** A recipient of the transaction, with at least one plan; several after alias expansion. */
export interface Planned {
  readonly recipient: string
  readonly plans: readonly Plan[]
}

export type Outcome =
  /** Nothing is kept; the client gets this status. */
  | { readonly kind: 'refuse'; readonly status: Status }
  /** All is done in one commit, which includes a bounce for `refused`. */
  | { readonly kind: 'accept'; readonly accepted: readonly Plan[]; readonly refused: readonly Refused[] }

export type Refused = Extract<Plan, { kind: 'refuse' }>

function isTemporary({ code }: Status): boolean {
  return code < 500
}

/** SMTP: one reply for all recipients. */
export function outcomeOf(planned: readonly Planned[]): Outcome {
  const plans = planned.flatMap(({ plans }) => plans)
  const refused = plans.filter((plan) => plan.kind === 'refuse')
  if (refused.length < plans.length)
    return { kind: 'accept', accepted: plans.filter((plan) => plan.kind !== 'refuse'), refused }
  // After a 4xx for one the client tries all again; a 5xx would make the others fail too.
  const temporary = refused.find((plan) => isTemporary(plan.status))
  return { kind: 'refuse', status: (temporary ?? refused[0])?.status ?? status.localError }
}

/**
 * LMTP: each recipient has its own reply, and needs no bounce: the client sends it. RFC 2033 §4.2.
 * `refused` are members of an alias that was accepted because of other members: for these we must send the bounce.
 */
export function outcomeOfEach(
  planned: readonly Planned[],
  accepted: Status,
): { readonly accepted: readonly Plan[]; readonly refused: readonly Refused[]; readonly replies: readonly Status[] } {
  const kept: Plan[] = []
  const refused: Refused[] = []
  const replies = planned.map(({ plans }) => {
    const outcome = outcomeOf([{ recipient: '', plans }])
    if (outcome.kind === 'refuse') return outcome.status
    kept.push(...outcome.accepted)
    refused.push(...outcome.refused)
    return accepted
  })
  return { accepted: kept, refused, replies }
}
