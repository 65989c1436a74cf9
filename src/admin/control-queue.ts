/** Commands for the queue and the ledger: waiting mail, actions on it, and the outcomes of accepted messages. */
import { turn } from '../base/clock.ts'
import {
  destinationKey,
  domainDestination,
  failedDestination,
  parseDestination,
  parseHost,
  type Destination,
  type DestinationKey,
} from '../mail/destination.ts'
import type { LedgerRow, QueueFilter, QueueRow } from '../store/entities.ts'
import type { Operation } from '../store/operations.ts'
import { StoreRefusal, type Store } from '../store/store.ts'
import { headerText } from '../delivery/file.ts'
import { commitWaiting } from './operator-acts.ts'
import { returnedHeaderMax } from '../delivery/bounce.ts'
import { command, pageOf, pageRowsMax, type Page } from './control-command.ts'
import { CommandRefusal } from './provision.ts'

const acts = ['hold', 'release', 'retry', 'drop', 'fail', 'reroute'] as const
export type QueueActName = (typeof acts)[number]

/** Recipients of a message that are shown with it, and lines of its header. */
const shownRecipientsMax = 100
const shownHeaderLines = 60

/** Ledger rows of one message after which the event loop gets a turn. */
const turnRows = 100

/** The text of the bounce if the operator gives no reason. */
const failWords = 'The administrator of this mail system removed the message from the queue'

const filterArguments = {
  sender: 'text?',
  recipient: 'text?',
  destination: 'text?',
  state: 'text?',
  olderThanMs: 'count?',
} as const

interface FilterGiven {
  readonly sender?: string
  readonly recipient?: string
  readonly destination?: string
  readonly state?: string
  readonly olderThanMs?: number
}

function filterOf({ sender, recipient, destination, state, olderThanMs }: FilterGiven, nowMs: number): QueueFilter {
  if (state !== undefined && !['ready', 'deferred', 'leased', 'held'].includes(state)) {
    throw new CommandRefusal('badArguments', `Unknown state "${state}": use ready, deferred, leased or held`)
  }
  const acceptedBeforeMs = olderThanMs === undefined ? undefined : nowMs - olderThanMs
  return {
    sender,
    recipient,
    destination: destination === undefined ? undefined : parseDestination(destination),
    state: state as QueueFilter['state'],
    acceptedBeforeMs,
  }
}

interface Wish {
  readonly act: QueueActName
  readonly to?: string
  readonly reason?: string
}

function checkWish(act: string, to: string | undefined, reason: string | undefined): Wish {
  if (!acts.includes(act as QueueActName)) {
    throw new CommandRefusal('badArguments', `Unknown action ${act}: use one of ${acts.join(', ')}`)
  }
  if ((act === 'reroute') !== (to !== undefined)) {
    throw new CommandRefusal('badArguments', 'Only reroute takes --to, and it needs it: --to host:port, or --to mx')
  }
  return { act: act as QueueActName, to, reason }
}

/** The destination for a host that an operator names; `mx` is the recipient's own domain. */
function destinationOf(to: string, row: QueueRow): Destination {
  if (to === 'mx') return domainDestination(row.address.slice(row.address.lastIndexOf('@') + 1))
  const destination = parseHost(to)
  if (destination === undefined) {
    throw new CommandRefusal(
      'badArguments',
      `"${to}" is not a host: write it as relay.example.net:25, [2001:db8::1]:25, lmtp:dovecot.example.net:24, or mx`,
    )
  }
  return destination
}

function operationOf({ act, to, reason }: Wish, row: QueueRow, nowMs: number): Operation {
  const recipient = row.id
  // The queue itself ends it, with a bounce, as after a permanent refusal.
  if (act === 'fail') {
    const reply = reason ?? failWords
    return { kind: 'queueReroute', recipient, destination: failedDestination, reply, nowMs, release: true }
  }
  if (act !== 'reroute') return { kind: 'queueAct', recipient, act, nowMs }
  if (row.destination.kind === 'local') {
    throw new CommandRefusal('notAllowed', `Recipient ${row.id} is local and cannot be rerouted`)
  }
  return { kind: 'queueReroute', recipient, destination: destinationOf(to!, row), nowMs }
}

/** The number of held recipients, which stay held: they are rerouted or retried only after their release. */
function heldOf(act: string, rows: readonly QueueRow[]): { readonly held?: number } {
  const held = act === 'reroute' || act === 'retry' ? rows.filter(({ state }) => state === 'held').length : 0
  return held === 0 ? {} : { held }
}

async function rowOf(store: Store, id: number): Promise<QueueRow> {
  const row = await store.read.queueRecipient(id)
  if (row) return row
  throw new StoreRefusal(
    'noSuchEntry',
    `Recipient ${id} is not in the queue: "pennypost queue list" shows those that are, "pennypost trace" what happened to others`,
  )
}

/** A row as commands print it. */
export type QueueListing = Omit<QueueRow, 'destination'> & { readonly destination: DestinationKey }

function listingOf(row: QueueRow): QueueListing {
  return { ...row, destination: destinationKey(row.destination) }
}

export const queueCommands = {
  queueList: command(
    { after: 'count?', ...filterArguments },
    async ({ store, clock }, { after = 0, ...given }): Promise<Page<QueueListing, number>> => {
      const found = await store.read.queueWhere(filterOf(given, clock.now()), after, pageRowsMax)
      const page = pageOf<QueueListing, number>(found.rows.map(listingOf), ({ id }) => id)
      // Cut by its size, or as the store cut it.
      return page.rows.length < found.rows.length ? page : { rows: page.rows, next: found.next }
    },
  ),

  /** Sizes of the queue by destination; pages are to be added up. */
  queueShape: command({ after: 'count?' }, async ({ store, clock }, { after = 0 }) => {
    return await store.read.queueShape(after, clock.now())
  }),

  /** A waiting message, with all its waiting recipients. */
  queueShow: command({ recipient: 'count' }, async ({ store }, { recipient }) => {
    const row = await rowOf(store, recipient)
    const bytes = await store.read.queuedContent(row.entry)
    const header = bytes ? headerText(await bytes.read(0, Math.min(bytes.sizeBytes, returnedHeaderMax))) : ''
    const recipients = await store.read.queueSiblings(row, shownRecipientsMax)
    return {
      arrivalId: row.arrivalId,
      reversePath: row.reversePath,
      sizeBytes: row.sizeBytes,
      acceptedAtMs: row.acceptedAtMs,
      expiresAtMs: row.expiresAtMs,
      header: Buffer.from(header, 'latin1').toString('utf8').split(/\r?\n/).slice(0, shownHeaderLines),
      recipients: await Promise.all(
        recipients.map(async (one) => ({ ...listingOf(one), tried: await store.read.queueAttempts(one.id) })),
      ),
    }
  }),

  /** One commit: all of the recipients or none. */
  queueAct: command(
    { recipients: 'counts', act: 'text', to: 'text?', reason: 'text?' },
    async ({ store, clock }, { recipients, act, to, reason }) => {
      const wish = checkWish(act, to, reason)
      const nowMs = clock.now()
      const rows = await Promise.all(recipients.map((id) => rowOf(store, id)))
      await store.commit(rows.map((row) => operationOf(wish, row, nowMs)))
      return { recipients: recipients.length, ...heldOf(act, rows) }
    },
  ),

  /** Acts on a page of all matches; returns the number changed, and where the next page begins. */
  queueActWhere: command(
    { act: 'text', to: 'text?', reason: 'text?', after: 'count?', ...filterArguments },
    async ({ store, clock }, { act, to, reason, after = 0, ...given }) => {
      const wish = checkWish(act, to, reason)
      const nowMs = clock.now()
      const filter = filterOf(given, nowMs)
      const { rows, next } = await store.read.queueWhere(filter, after, pageRowsMax)
      const meant = rows.filter((row) =>
        act === 'release' ? row.state === 'held' : act !== 'reroute' || row.destination.kind !== 'local',
      )
      const operations = meant.map((row) => operationOf(wish, row, nowMs))
      return { recipients: await commitWaiting(store, operations), next, ...heldOf(act, meant) }
    },
  ),

  /** Outcomes of accepted messages, by their ids. */
  ledger: command({ arrivalIds: 'texts' }, async ({ store, clock, flushTrace }, { arrivalIds }) => {
    await flushTrace?.()
    const rows: LedgerRow[] = []
    for (const id of arrivalIds) {
      const found = await store.read.ledger(id)
      rows.push(...found)
      // A message may have a thousand of them.
      if (found.length >= turnRows) await turn(clock)
    }
    return { rows }
  }),

  /** Ledger rows of arrivals with ids between two others, oldest first. */
  ledgerFind: command(
    { after: 'text', before: 'text', recipient: 'text?' },
    async ({ store }, { after, before, recipient }) => {
      return await store.read.ledgerWhere(after, before, recipient, pageRowsMax)
    },
  ),

  counts: command({}, async ({ store }) => {
    return await store.read.counts()
  }),
}
