/** What became of the commits of a group. */
import type { Change } from '../changes.ts'
import type { Place } from '../contents/log.ts'
import type { EngineOperation } from '../operations.ts'
import type { StoreRefusalCode } from '../store.ts'
import type { Delivery } from './deliver.ts'
import type { WireCommit } from './group.ts'

export type CommitOutcome =
  | { readonly ok: true; readonly results: readonly unknown[] }
  | { readonly ok: false; readonly code: StoreRefusalCode | 'full' | 'failed'; readonly text: string }

export interface GroupOutcome {
  readonly outcomes: readonly CommitOutcome[]
  readonly changes: readonly Change[]
}

/** How a try of a group ended. */
export type Attempt =
  | ({ readonly kind: 'done' } & GroupOutcome)
  /** Nothing was written. */
  | { readonly kind: 'undone'; readonly error: unknown }
  /** The records are on disk, the rows are not. */
  | {
      readonly kind: 'behind'
      readonly error: unknown
      readonly outcomes: readonly CommitOutcome[]
      /** Where each commit's record is; undefined: it has none. */
      readonly places: readonly (Place | undefined)[]
    }

export function refuseAll(commits: readonly WireCommit[], code: 'full' | 'failed', text: string): GroupOutcome {
  return { outcomes: commits.map(() => ({ ok: false, code, text })), changes: [] }
}

/** In order. */
export function together(all: readonly GroupOutcome[]): GroupOutcome {
  const said = all.filter(({ outcomes, changes }) => outcomes.length + changes.length > 0)
  if (said.length === 1) return said[0]!
  return { outcomes: said.flatMap(({ outcomes }) => outcomes), changes: said.flatMap(({ changes }) => changes) }
}

/** Operations without a promise: a power cut may undo them. */
const softKinds: ReadonlySet<EngineOperation['kind']> = new Set([
  'claimRecent',
  'queueLease',
  'queueRenew',
  'queueReturn',
  'materialize',
  'queueReclaim',
  'snapshot',
])

export function isSoft(operations: readonly EngineOperation[]): boolean {
  return operations.every(({ kind }) => softKinds.has(kind))
}

/** What is refused when there is hardly any room left. */
export const growing: ReadonlySet<EngineOperation['kind']> = new Set(['arrive', 'append', 'copy', 'snapshot'])

/** Whether it may make keywords. */
export function bringsFlags(operation: EngineOperation): boolean {
  if (operation.kind === 'append') return operation.flags.length > 0
  return operation.kind === 'arrive' && operation.filings.some(({ flags }) => flags.length > 0)
}

export function resultOf(delivery: Delivery): unknown {
  const first = delivery.placed[0]
  if (delivery.operation.kind === 'append') return { uidValidity: first!.mailbox.uidValidity, uid: first!.uid }
  const filed = delivery.placed.map(({ mailbox, uid }) => ({ mailbox: mailbox.id, uid }))
  const { entryId: entry, recipientIds: recipients } = delivery
  return recipients.length === 0 ? { filed } : { filed, queued: { entry, recipients } }
}
