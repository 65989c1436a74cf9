/** Queued recipients: leases, outcomes, and commands of an operator. A finished recipient leaves the table at once. */
import type { Operation, Lease, ResultOf } from '../operations.ts'
import { storedDestination } from '../record-form.ts'
import { StoreRefusal } from '../store.ts'
import type { QueueRow } from '../entities.ts'
import type { WriteContext } from './context.ts'
import { queueSelect, toQueueRow } from './queue-reads.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

/** How many attempts of a queued recipient are kept as text; older ones are in the trace. */
const attemptsKept = 20

/** Rows that one lease reads in the order of turns; and destinations that it visits by name, at a seek each. */
const turnsLookedMax = 500
const visitsMax = 1000
/** Due recipients that one lease makes ready; the others are left for the next, a few milliseconds later. */
const promotedMax = 1000

interface Place {
  readonly id: number
  readonly destination: string
}

/** Leases due recipients, including those whose earlier lease has expired. */
export function lease(context: WriteContext, op: Op<'queueLease'>): ResultOf<Op<'queueLease'>> {
  const { nowMs, limit, perDestination = limit } = op
  const promoted = context
    .sql(
      "UPDATE recipient SET state = 'ready' WHERE id IN (SELECT id FROM recipient WHERE state IN ('deferred', 'leased') AND dueMs <= ? ORDER BY dueMs LIMIT ?)",
    )
    .run(nowMs, promotedMax)
  const busy = new Set(op.busy)
  const taken = new Map<string, number>()
  const rows: QueueRow[] = []
  const take = ({ id, destination }: Place): boolean => {
    const count = taken.get(destination) ?? 0
    if (rows.length === limit || count === perDestination || busy.has(destination)) return false
    taken.set(destination, count + 1)
    // For a leased row, `dueMs` is the end of the lease: one index finds both kinds.
    context
      .sql("UPDATE recipient SET state = 'leased', fence = fence + 1, leasedUntilMs = ?1, dueMs = ?1 WHERE id = ?2")
      .run(nowMs + op.leaseMs, id)
    rows.push(toQueueRow(context.sql(`${queueSelect} WHERE r.id = ?`).get(id)!))
    return true
  }
  const first = context
    .sql(`SELECT id, destination FROM recipient WHERE state = 'ready' ORDER BY turnMs, id LIMIT ${turnsLookedMax}`)
    .all() as unknown as Place[]
  let passed = 0
  for (const place of first) if (!take(place) && !busy.has(place.destination)) passed++
  const moreDue = Number(promoted.changes) === promotedMax
  if (first.length < turnsLookedMax) return { rows, more: moreDue || passed > 0 }
  let destination = op.after ?? ''
  for (let visits = 0; visits < visitsMax && rows.length < limit; visits++) {
    const next = context
      .sql("SELECT destination FROM recipient WHERE state = 'ready' AND destination > ? ORDER BY destination LIMIT 1")
      .get(destination)
    // The round is complete.
    if (!next) return { rows, more: moreDue || rows.length > 0 }
    destination = next['destination'] as string
    if (busy.has(destination) || taken.has(destination)) continue
    const due = context
      .sql(
        "SELECT id, destination FROM recipient WHERE state = 'ready' AND destination = ? ORDER BY turnMs, id LIMIT ?",
      )
      .all(destination, Math.min(perDestination, limit - rows.length))
    for (const place of due) take(place as unknown as Place)
  }
  return { rows, next: destination, more: true }
}

export function renew(context: WriteContext, op: Op<'queueRenew'>): null {
  for (const { recipient, fence } of op.recipients) {
    context
      .sql("UPDATE recipient SET leasedUntilMs = ?1, dueMs = ?1 WHERE id = ?2 AND fence = ?3 AND state = 'leased'")
      .run(op.untilMs, recipient, fence)
  }
  return null
}

export function returnLeases(context: WriteContext, op: Op<'queueReturn'>): null {
  const { recipients, dueMs, spreadMs = 0, reply = null, nowMs } = op
  recipients.forEach(({ recipient, fence }, i) => {
    const atMs = dueMs + Math.floor((spreadMs * i) / recipients.length)
    context
      .sql(
        "UPDATE recipient SET state = ?, dueMs = ?, leasedUntilMs = 0, reply = coalesce(?, reply) WHERE id = ? AND fence = ? AND state = 'leased'",
      )
      .run(atMs > nowMs ? 'deferred' : 'ready', atMs, reply, recipient, fence)
  })
  context.changes.push({ kind: 'queue', dueMs })
  return null
}

export function reclaim(context: WriteContext, { dueMs }: Op<'queueReclaim'>): null {
  context
    .sql(
      "UPDATE recipient SET state = 'deferred', dueMs = ?, leasedUntilMs = 0, fence = fence + 1 WHERE state = 'leased'",
    )
    .run(dueMs)
  return null
}

interface Held {
  readonly id: number
  readonly entry: number
  readonly n: number
  readonly attempts: number
  readonly arrivalId: string
  readonly address: string
}

function find(context: WriteContext, recipient: number): (Held & { fence: number; state: string }) | undefined {
  return context
    .sql(
      'SELECT r.id, r.entry, r.n, r.attempts, r.fence, r.state, r.address, e.arrivalId FROM recipient r JOIN queueEntry e ON e.id = r.entry WHERE r.id = ?',
    )
    .get(recipient) as (Held & { fence: number; state: string }) | undefined
}

function leased(context: WriteContext, held: Lease): Held {
  const row = find(context, held.recipient)
  // Leases are not synced, so a replayed report may have lost its lease. The reporter had it at that time.
  if (row && context.replaying) return row
  if (!row || row.fence !== held.fence || row.state !== 'leased') {
    throw new StoreRefusal('leaseLost', 'Another delivery took this recipient over')
  }
  return row
}

/**
 * Ends a recipient: its ledger row gets the outcome, its queue rows are deleted, and with the last recipient the reference to the content.
 */
function end(context: WriteContext, row: Held, outcome: string, detail: string, nowMs: number): void {
  context
    .sql('UPDATE ledger SET outcome = ?, endedMs = ?, detail = ? WHERE arrivalId = ? AND n = ?')
    .run(outcome, nowMs, detail, row.arrivalId, row.n)
  context.sql('DELETE FROM attempt WHERE recipient = ?').run(row.id)
  context.sql('DELETE FROM recipient WHERE id = ?').run(row.id)
  context.totals.recipients--
  const entry = context
    .sql('UPDATE queueEntry SET recipients = recipients - 1 WHERE id = ? RETURNING recipients, content')
    .get(row.entry)!
  if ((entry['recipients'] as number) > 0) return
  context.sql('UPDATE content SET refs = refs - 1 WHERE id = ?').run(entry['content']!)
  context.sql('DELETE FROM queueEntry WHERE id = ?').run(row.entry)
}

export function finish(context: WriteContext, op: Op<'queueFinish'>): null {
  end(context, leased(context, op.lease), op.outcome, op.reply, op.nowMs)
  return null
}

export function defer(context: WriteContext, op: Op<'queueDefer'>): null {
  const row = leased(context, op.lease)
  const attempts = row.attempts + 1
  context
    .sql(
      "UPDATE recipient SET state = 'deferred', attempts = ?1, dueMs = ?2, turnMs = max(turnMs, ?2), leasedUntilMs = 0, reply = ?3 WHERE id = ?4",
    )
    .run(attempts, op.nextAttemptMs, op.reply, row.id)
  context
    .sql('INSERT OR REPLACE INTO attempt (recipient, n, atMs, reply) VALUES (?, ?, ?, ?)')
    .run(row.id, attempts, op.nowMs, op.reply)
  context.sql('DELETE FROM attempt WHERE recipient = ? AND n <= ?').run(row.id, attempts - attemptsKept)
  if (op.warned)
    context
      .sql("UPDATE recipient SET parameters = json_set(parameters, '$.warned', json('true')) WHERE id = ?")
      .run(row.id)
  context.changes.push({ kind: 'queue', dueMs: op.nextAttemptMs })
  return null
}

function noEntry(recipient: number): string {
  return `No recipient ${recipient} waits in the queue: "pennypost queue list" shows those that do, "pennypost trace" what became of others`
}

export function act(context: WriteContext, op: Op<'queueAct'>): null {
  const row = find(context, op.recipient)
  if (!row) throw new StoreRefusal('noSuchEntry', noEntry(op.recipient))
  switch (op.act) {
    case 'drop':
      end(context, row, 'discarded', 'dropped by the operator', op.nowMs)
      break
    case 'hold':
      // A running attempt loses its lease: its report will be refused, although the next hop may have accepted the message.
      context.sql("UPDATE recipient SET state = 'held', fence = fence + 1 WHERE id = ?").run(row.id)
      break
    case 'release':
    case 'retry':
      if ((op.act === 'release') !== (row.state === 'held') || row.state === 'leased') break
      context
        .sql("UPDATE recipient SET state = 'ready', dueMs = ?1, turnMs = min(turnMs, ?1) WHERE id = ?2")
        .run(op.nowMs, row.id)
      context.changes.push({ kind: 'queue', dueMs: op.nowMs })
  }
  return null
}

/** A running attempt loses its lease, as with hold. For a held recipient the new destination applies once it is released. */
export function reroute(context: WriteContext, op: Op<'queueReroute'>): null {
  const row = find(context, op.recipient)
  if (!row) throw new StoreRefusal('noSuchEntry', noEntry(op.recipient))
  context
    .sql(
      `UPDATE recipient SET destination = ?1, fence = fence + 1, state = CASE WHEN state = 'held' AND ?5 = 0 THEN 'held' ELSE 'ready' END,
       leasedUntilMs = 0, dueMs = ?2, turnMs = min(turnMs, ?2), reply = coalesce(?3, reply) WHERE id = ?4`,
    )
    .run(storedDestination(op.destination), op.nowMs, op.reply ?? null, row.id, op.release ? 1 : 0)
  context.changes.push({ kind: 'queue', dueMs: op.nowMs })
  return null
}
