/** What waits for a host that says it is there: tried again at once. RFC 1985 §5.1. */
import { turn, type Clock } from '../base/clock.ts'
import { running } from '../base/running.ts'
import type { WaitingFor } from '../protocol/smtp/backend.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Store } from '../store/store.ts'
import { commitWaiting } from './operator-acts.ts'

/** Recipients that one request starts; the rest follows when it is made again. A command must not turn the whole queue round. */
const flushedMax = 10_000
const pageRows = 500

export interface FlushTools {
  readonly store: Store
  readonly clock: Clock
}

/** @returns how many recipients are tried now. What an operator holds stays held. */
export async function flushWaiting({ store, clock }: FlushTools, node: WaitingFor): Promise<number> {
  const filter = node.kind === 'domain' ? { recipient: `@${node.name}` } : {}
  let count = 0
  let after: number | undefined = 0
  while (after !== undefined && count < flushedMax) {
    running('etrn')
    const page: { readonly rows: readonly QueueRow[]; readonly next?: number } = store.read.queueWhere(
      filter,
      after,
      pageRows,
    )
    const meant = page.rows.filter((row) => isFor(node, row) && row.state !== 'held' && row.state !== 'leased')
    const nowMs = clock.now()
    count += await commitWaiting(
      store,
      meant.map(({ id }) => ({ kind: 'queueAct', recipient: id, act: 'retry', nowMs })),
    )
    // A piece without any of them needed no commit: the others have their turn all the same.
    await turn(clock)
    after = page.next
  }
  return count
}

function isFor({ kind, name }: WaitingFor, { address, destination }: QueueRow): boolean {
  if (kind === 'queue') return destination.toLowerCase() === name
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  return domain === name || (kind === 'below' && domain.endsWith(`.${name}`))
}
