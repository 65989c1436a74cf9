/** Recipients that wait for transfer: leases, outcomes, and what an operator does. A finished recipient leaves the table at once. */
import type { Operation, Lease, ResultOf } from '../operations.ts'
import { StoreRefusal } from '../store.ts'
import type { WriteContext } from './context.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

/** How many attempts of a waiting recipient are kept in words; older ones are in the journey. */
const attemptsKept = 20

/** Destinations looked at by one lease: each costs a seek, and a queue may hold mail for very many of which none is due. */
const visitsMax = 1000

/** Takes what is due, one destination after the other. What was leased by somebody whose lease ran out is due again. */
export function lease(context: WriteContext, op: Op<'queueLease'>): ResultOf<Op<'queueLease'>> {
  const { nowMs, limit, perDestination = limit } = op
  const busy = new Set(op.busy)
  const until = nowMs + op.leaseMs
  const lapsed = context
    .sql(
      "UPDATE recipient SET state = 'ready' WHERE id IN (SELECT id FROM recipient WHERE state = 'leased' AND dueMs <= ? ORDER BY dueMs LIMIT ?)",
    )
    .run(nowMs, limit)
  const leases: Lease[] = []
  let destination = op.after ?? ''
  let more = Number(lapsed.changes) === limit
  for (let visits = 0; visits < visitsMax && leases.length < limit; visits++) {
    const first = context
      .sql(
        "SELECT destination, dueMs FROM recipient WHERE state = 'ready' AND destination > ? ORDER BY destination, dueMs LIMIT 1",
      )
      .get(destination)
    if (!first) return { leases, more }
    destination = first['destination'] as string
    if ((first['dueMs'] as number) > nowMs || busy.has(destination)) continue
    const wanted = Math.min(perDestination, limit - leases.length)
    const due = context
      .sql(
        "SELECT id, fence FROM recipient WHERE state = 'ready' AND destination = ? AND dueMs <= ? ORDER BY dueMs, id LIMIT ?",
      )
      .all(destination, nowMs, wanted)
    if (due.length === wanted) more = true
    for (const row of due) {
      const id = row['id'] as number
      const fence = (row['fence'] as number) + 1
      // While it is leased, due is when the lease ends: one index finds both kinds.
      context
        .sql("UPDATE recipient SET state = 'leased', fence = ?, leasedUntilMs = ?, dueMs = ? WHERE id = ?")
        .run(fence, until, until, id)
      leases.push({ recipient: id, fence })
    }
  }
  return { leases, next: destination, more: true }
}

export function renew(context: WriteContext, op: Op<'queueRenew'>): null {
  for (const { recipient, fence } of op.recipients) {
    context
      .sql("UPDATE recipient SET leasedUntilMs = ?, dueMs = ? WHERE id = ? AND fence = ? AND state = 'leased'")
      .run(op.untilMs, op.untilMs, recipient, fence)
  }
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
  if (!row || row.fence !== held.fence || row.state !== 'leased') {
    throw new StoreRefusal('leaseLost', 'Another delivery took this recipient over')
  }
  return row
}

/** Ends a recipient's way: its ledger row gets the outcome, the rows of the queue go, the content loses a holder with the last one. */
function end(context: WriteContext, row: Held, outcome: string, detail: string, nowMs: number): void {
  context
    .sql('UPDATE ledger SET outcome = ?, endedMs = ?, detail = ? WHERE arrivalId = ? AND n = ?')
    .run(outcome, nowMs, detail, row.arrivalId, row.n)
  context.sql('DELETE FROM attempt WHERE recipient = ?').run(row.id)
  context.sql('DELETE FROM recipient WHERE id = ?').run(row.id)
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
    .sql("UPDATE recipient SET state = 'ready', attempts = ?, dueMs = ?, leasedUntilMs = 0, reply = ? WHERE id = ?")
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
      // A delivery under way loses its lease: its report will be refused, and the remote may have taken the message.
      context.sql("UPDATE recipient SET state = 'held', fence = fence + 1 WHERE id = ?").run(row.id)
      break
    case 'release':
    case 'retry':
      if (op.act === 'release' ? row.state !== 'held' : row.state === 'leased') break
      context.sql("UPDATE recipient SET state = 'ready', dueMs = ? WHERE id = ?").run(op.nowMs, row.id)
      context.changes.push({ kind: 'queue', dueMs: op.nowMs })
  }
  return null
}

/** A delivery under way loses its lease, as when it is held. Of a held one the new way counts once it is released. */
export function reroute(context: WriteContext, op: Op<'queueReroute'>): null {
  const row = find(context, op.recipient)
  if (!row) throw new StoreRefusal('noSuchEntry', noEntry(op.recipient))
  context
    .sql(
      `UPDATE recipient SET destination = ?, fence = fence + 1, state = CASE state WHEN 'held' THEN 'held' ELSE 'ready' END,
       leasedUntilMs = 0, dueMs = ?, reply = coalesce(?, reply) WHERE id = ?`,
    )
    .run(op.destination, op.nowMs, op.reply ?? null, row.id)
  context.changes.push({ kind: 'queue', dueMs: op.nowMs })
  return null
}
