/** Queued recipients of the reference engine: leases, outcomes, an operator's commands. docs/architecture.md §19. */
import { destinationKey, parseDestination, type DestinationKey } from '../../mail/destination.ts'
import type { QueueRow } from '../entities.ts'
import type { Lease, Operation, ResultOf } from '../operations.ts'
import { StoreRefusal } from '../store.ts'
import type { RecipientEntry, State } from './state.ts'

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>

/** Attempts of a recipient that are kept. */
const attemptsKept = 20
/** What one lease looks at: recipients that become due, rows in the order of turns, destinations by name. */
const promotedMax = 1000
const turnsLookedMax = 500
const visitsMax = 1000

export const byTurn = (a: RecipientEntry, b: RecipientEntry): number => a.turnMs - b.turnMs || a.id - b.id

export function rowOf(state: State, recipient: RecipientEntry): QueueRow {
  const { id, entry, address, attempts, turnMs, fence, leasedUntilMs, parameters } = recipient
  const { arrivalId, reversePath, submitter, acceptedMs, expiresMs, sizeBytes, prefix } =
    state.queue.entries.get(entry)!
  return {
    id,
    entry,
    arrivalId,
    reversePath,
    submitter,
    address,
    destination: parseDestination(recipient.destination),
    state: recipient.state,
    attempts,
    acceptedAtMs: acceptedMs,
    nextAttemptMs: recipient.dueMs,
    turnMs,
    expiresAtMs: expiresMs,
    fence,
    leasedUntilMs,
    lastReply: recipient.reply,
    parameters,
    sizeBytes,
    prefixBytes: prefix.length,
  }
}

function edit(state: State, recipient: RecipientEntry, change: Partial<RecipientEntry>): void {
  state.queue.recipients.set(recipient.id, { ...recipient, ...change })
}

function promote(state: State, nowMs: number): number {
  const due = state.queue.recipients
    .all()
    .filter(({ state: is, dueMs }) => (is === 'deferred' || is === 'leased') && dueMs <= nowMs)
    .sort((a, b) => a.dueMs - b.dueMs)
    .slice(0, promotedMax)
  for (const recipient of due) edit(state, recipient, { state: 'ready' })
  return due.length
}

export function lease(state: State, op: Op<'queueLease'>): ResultOf<Op<'queueLease'>> {
  const { nowMs, leaseMs, limit, perDestination = limit, after = '' } = op
  const moreDue = promote(state, nowMs) === promotedMax
  const ready = state.queue.recipients
    .all()
    .filter((recipient) => recipient.state === 'ready')
    .sort(byTurn)
  const busy = new Set(op.busy)
  const taken = new Map<DestinationKey, number>()
  const rows: QueueRow[] = []
  const take = (recipient: RecipientEntry): boolean => {
    const { id, destination, fence } = recipient
    const count = taken.get(destination) ?? 0
    if (rows.length === limit || count === perDestination || busy.has(destination)) return false
    taken.set(destination, count + 1)
    const untilMs = nowMs + leaseMs
    edit(state, recipient, {
      state: 'leased',
      fence: fence + 1,
      leasedUntilMs: untilMs,
      dueMs: untilMs,
      isLeasedFromStart: false,
    })
    rows.push(rowOf(state, state.queue.recipients.get(id)!))
    return true
  }
  const first = ready.slice(0, turnsLookedMax)
  const passed = first.filter((recipient) => !take(recipient) && !busy.has(recipient.destination))
  if (first.length < turnsLookedMax) return { rows, more: moreDue || passed.length > 0 }
  const waits = ready.filter(({ id }) => state.queue.recipients.get(id)!.state === 'ready')
  const others = [...new Set(waits.map(({ destination }) => destination))].filter((one) => one > after).sort()
  let last = after
  for (const [visits, destination] of others.entries()) {
    if (visits === visitsMax || rows.length === limit) return { rows, next: last, more: true }
    last = destination
    if (!taken.has(destination))
      for (const recipient of waits) if (recipient.destination === destination) take(recipient)
  }
  if (rows.length === limit || others.length === visitsMax) return { rows, next: last, more: true }
  // The round is complete.
  return { rows, more: moreDue || rows.length > 0 }
}

export function renew(state: State, { recipients, untilMs }: Op<'queueRenew'>): null {
  for (const held of recipients) {
    const recipient = holder(state, held)
    if (recipient) edit(state, recipient, { leasedUntilMs: untilMs, dueMs: untilMs })
  }
  return null
}

export function returnLeases(state: State, op: Op<'queueReturn'>): null {
  const { recipients, dueMs, spreadMs = 0, reply, nowMs } = op
  for (const [i, held] of recipients.entries()) {
    const recipient = holder(state, held)
    if (!recipient) continue
    const atMs = dueMs + Math.floor((spreadMs * i) / recipients.length)
    const waiting = atMs > nowMs ? 'deferred' : 'ready'
    edit(state, recipient, { state: waiting, dueMs: atMs, leasedUntilMs: 0, reply: reply ?? recipient.reply })
  }
  state.changes.push({ kind: 'queue', dueMs })
  return null
}

export function reclaim(state: State, { dueMs }: Op<'queueReclaim'>): null {
  for (const recipient of state.queue.recipients.all())
    if (recipient.state === 'leased')
      edit(state, recipient, { state: 'deferred', dueMs, leasedUntilMs: 0, fence: recipient.fence + 1 })
  return null
}

/** The recipient, where the lease is still the newest. */
function holder(state: State, { recipient: id, fence }: Lease): RecipientEntry | undefined {
  const recipient = state.queue.recipients.get(id)
  return recipient?.state === 'leased' && recipient.fence === fence ? recipient : undefined
}

function leased(state: State, held: Lease): RecipientEntry {
  const recipient = holder(state, held)
  if (!recipient) throw new StoreRefusal('leaseLost', 'Another delivery took this recipient over')
  return recipient
}

/** The recipient leaves the queue, its row in the ledger ends, and with the last one the message goes. */
function end(
  state: State,
  { id, entry, n }: RecipientEntry,
  outcome: Op<'queueFinish'>['outcome'],
  detail: string,
  nowMs: number,
): void {
  const message = state.queue.entries.get(entry)!
  const rows = [...state.queue.ledger.get(message.arrivalId)!]
  rows[n] = { ...rows[n]!, outcome, endedAtMs: nowMs, detail }
  state.queue.ledger.set(message.arrivalId, rows)
  state.queue.attempts.delete(id)
  state.queue.recipients.delete(id)
  if (message.recipients > 1) {
    state.queue.entries.set(entry, { ...message, recipients: message.recipients - 1 })
    return
  }
  state.queue.entries.delete(entry)
  state.refContent(message.content, -1)
}

export function finish(state: State, { lease: held, outcome, reply, nowMs }: Op<'queueFinish'>): null {
  end(state, leased(state, held), outcome, reply, nowMs)
  return null
}

export function defer(state: State, op: Op<'queueDefer'>): null {
  const { nextAttemptMs: dueMs, reply, nowMs, warned } = op
  const recipient = leased(state, op.lease)
  const attempts = recipient.attempts + 1
  edit(state, recipient, {
    state: 'deferred',
    attempts,
    dueMs,
    turnMs: Math.max(recipient.turnMs, dueMs),
    leasedUntilMs: 0,
    reply,
    parameters: warned ? { ...recipient.parameters, warned: true } : recipient.parameters,
  })
  const known = state.queue.attempts.get(recipient.id) ?? []
  state.queue.attempts.set(recipient.id, [...known, { n: attempts, atMs: nowMs, reply }].slice(-attemptsKept))
  state.changes.push({ kind: 'queue', dueMs })
  return null
}

function existing(state: State, id: number): RecipientEntry {
  const recipient = state.queue.recipients.get(id)
  if (!recipient) throw new StoreRefusal('noSuchEntry', `No recipient ${id} waits in the queue`)
  return recipient
}

export function act(state: State, { recipient: id, act: wanted, nowMs }: Op<'queueAct'>): null {
  const recipient = existing(state, id)
  const { state: is, fence, turnMs } = recipient
  if (wanted === 'drop') end(state, recipient, 'discarded', 'dropped by the operator', nowMs)
  // A running attempt loses its lease.
  else if (wanted === 'hold') edit(state, recipient, { state: 'held', fence: fence + 1 })
  else if ((wanted === 'release') === (is === 'held') && is !== 'leased') {
    edit(state, recipient, { state: 'ready', dueMs: nowMs, turnMs: Math.min(turnMs, nowMs) })
    state.changes.push({ kind: 'queue', dueMs: nowMs })
  }
  return null
}

export function reroute(state: State, op: Op<'queueReroute'>): null {
  const recipient = existing(state, op.recipient)
  edit(state, recipient, {
    destination: destinationKey(op.destination),
    fence: recipient.fence + 1,
    state: recipient.state === 'held' && !op.release ? 'held' : 'ready',
    leasedUntilMs: 0,
    dueMs: op.nowMs,
    turnMs: Math.min(recipient.turnMs, op.nowMs),
    reply: op.reply ?? recipient.reply,
  })
  state.changes.push({ kind: 'queue', dueMs: op.nowMs })
  return null
}
