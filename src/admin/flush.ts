/** ETRN: retries at once what waits for a host. RFC 1985 §5.1. */
import { turn, type Clock } from '../base/clock.ts'
import { destinationKey } from '../mail/destination.ts'
import { running } from '../base/running.ts'
import type { WaitingFor } from '../protocol/smtp/backend.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Store } from '../store/store.ts'
import { commitWaiting } from './operator-acts.ts'

/**
 * Recipients started by one request; a repeated request starts the rest. One command must not retry the whole queue.
 */
const flushedMax = 10_000
const pageRows = 500

export interface FlushTools {
  readonly store: Store
  readonly clock: Clock
}

/** @returns the number of recipients that are tried now. Held ones stay held. */
export async function flushWaiting({ store, clock }: FlushTools, node: WaitingFor): Promise<number> {
  const filter = node.kind === 'domain' ? { recipient: `@${node.name}` } : {}
  let count = 0
  let after: number | undefined = 0
  while (after !== undefined && count < flushedMax) {
    running('etrn')
    const page: { readonly rows: readonly QueueRow[]; readonly next?: number } = await store.read.queueWhere(
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
    // A page without matches makes no commit: other work still gets its turn of the event loop.
    await turn(clock)
    after = page.next
  }
  return count
}

function isFor({ kind, name }: WaitingFor, { address, destination }: QueueRow): boolean {
  if (kind === 'queue') return destinationKey(destination) === name
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  return domain === name || (kind === 'below' && domain.endsWith(`.${name}`))
}
