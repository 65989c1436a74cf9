// The program whose system calls the powercut test records: a store under every kind of write.
// It says "begin" before and "ack" after each step, straight to the descriptor, so that the recording knows what was promised when.
//   node workload.program.js FOLDER SEED STEPS
import { domainDestination } from '../../src/mail/destination.ts'
import type { AccountId } from '../../src/mail/ids.ts'
import { writeSync } from 'node:fs'
import { silentLog } from '../../src/base/log.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { addAccount, arrival, message, stored } from '../../src/store/conformance/fixtures.ts'
import { factsOfBytes } from '../../src/store/facts.ts'
import type { Lease } from '../../src/store/operations.ts'
import type { Store } from '../../src/store/store.ts'

const [folder, seedText, stepsText] = process.argv.slice(2) as [string, string, string]
let state = Number(seedText) >>> 0

/** Small, seeded: the same steps for the same seed. */
function chance(end: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * end)
}

function say(verb: 'begin' | 'ack', ...facts: readonly (string | number)[]): void {
  writeSync(1, `${verb} ${facts.join(' ')}\n`)
}

const segmentBytes = 256 * 1024
const options = { folder, clock: realClock, log: silentLog, segmentBytes, spareBytes: 0 }
let next = 1

function body(n: number): Buffer {
  const size = n % 17 === 0 ? 2_500_000 : 200 + ((n * 7919) % 9000)
  return message(`m${n}`, `${'line of text\r\n'.repeat(Math.ceil(size / 14))}end ${n}\r\n`)
}

async function step(store: Store, account: AccountId, inbox: number, trash: number): Promise<void> {
  const nowMs = realClock.now()
  switch (chance(12)) {
    case 0:
    case 1:
    case 2: {
      // A burst of deliveries that share a sync.
      await Promise.all(
        Array.from({ length: 1 + chance(6) }, async () => {
          const n = next++
          say('begin', 'file', n)
          await store.commit([await arrival(store, body(n), [inbox])], { until: 'durable' })
          say('ack', 'file', n)
        }),
      )
      return
    }
    case 3: {
      const n = next++
      const bytes = body(n)
      say('begin', 'file', n)
      const date = { epochMs: nowMs, offsetMinutes: 0 }
      const [{ uid }] = await store.commit([
        {
          kind: 'append',
          mailbox: trash,
          content: await stored(store, bytes),
          facts: factsOfBytes(bytes).facts,
          internalDate: date,
          savedAtMs: nowMs,
          flags: ['\\Seen'],
        },
      ])
      say('ack', 'file', n)
      say('ack', 'uid', trash, uid)
      return
    }
    case 4: {
      await Promise.all(Array.from({ length: 1 + chance(4) }, () => queue(store, nowMs)))
      return
    }
    case 5: {
      const uid = 1 + chance(Math.max(1, next))
      say('begin', 'flag', inbox, uid)
      await store.commit([{ kind: 'flags', mailbox: inbox, uids: [[uid, uid]], mode: 'add', flags: ['\\Flagged'] }])
      const table = await store.read.table(inbox)
      const { count, uids } = table.view()
      if (uids.subarray(0, count).includes(uid)) say('ack', 'flag', inbox, uid)
      table.release()
      return
    }
    case 6: {
      const uid = 1 + chance(Math.max(1, next))
      say('begin', 'expunge', inbox, uid)
      const [{ expunged }] = await store.commit([
        { kind: 'expunge', mailbox: inbox, uids: [[uid, uid]], force: true, nowMs },
      ])
      if (expunged.length > 0) say('ack', 'expunge', inbox, uid)
      return
    }
    case 7: {
      const name = `box${next++}`
      say('begin', 'mailbox', name)
      await store.commit([{ kind: 'mailboxCreate', account, name }])
      say('ack', 'mailbox', name)
      return
    }
    case 8: {
      // A commit with bytes and without: all of it or nothing.
      const n = next++
      say('begin', 'both', n)
      await store.commit([await arrival(store, body(n), [inbox]), { kind: 'mailboxCreate', account, name: `both${n}` }])
      say('ack', 'both', n)
      return
    }
    case 9: {
      // The end of a recipient and the notice about it: a lease that no sync keeps, then one commit that all syncs keep.
      const held = await leased(store, nowMs)
      if (!held) return
      const n = next++
      const { about, lease } = held
      say('begin', 'bounce', about, n)
      await store.commit(
        [
          { kind: 'queueFinish', lease, outcome: 'bounced', reply: '550 no', nowMs },
          await arrival(store, body(n), [inbox]),
        ],
        { until: 'durable' },
      )
      say('ack', 'bounce', about, n)
      return
    }
    case 10: {
      const held = await leased(store, nowMs)
      if (!held) return
      const { about, lease } = held
      await store.commit([{ kind: 'queueDefer', lease, nextAttemptMs: nowMs + 1e8, reply: '450 later', nowMs }])
      say('ack', 'defer', about)
      return
    }
    case 11: {
      // What a first attempt relays, most often without ever having had rows.
      const held = await leased(store, nowMs)
      if (!held) return
      const { about, lease } = held
      say('begin', 'relay', about)
      await store.commit([{ kind: 'queueFinish', lease, outcome: 'relayed', reply: '250 ok', nowMs }], {
        until: 'durable',
      })
      say('ack', 'relay', about)
    }
  }
}

async function queue(store: Store, nowMs: number): Promise<void> {
  const n = next++
  say('begin', 'queue', n)
  const recipients = [
    {
      address: `r${n}@far.test`,
      destination: domainDestination('far.test'),
      parameters: { body: '7bit' as const, smtpUtf8: false },
    },
  ]
  // Every other one is leased by the commit itself.
  const leasedUntilMs = n % 2 === 0 ? nowMs + 60_000 : undefined
  const times = { firstAttemptMs: nowMs, expiresAtMs: nowMs + 1e9, leasedUntilMs }
  const request = { reversePath: 'bob@example.org', recipients, prefix: '', ...times }
  const operation = await arrival(store, body(n), [], { queue: request })
  const [{ queued }] = await store.commit([operation], { until: 'durable' })
  if (leasedUntilMs !== undefined) late.push({ about: n, lease: { recipient: queued!.recipients[0]!, fence: 1 } })
  say('ack', 'queue', n)
}

interface Held {
  /** The number of the message. */
  readonly about: number
  readonly lease: Lease
}

/** What arrivals have leased by their own commits. */
const late: Held[] = []

/** One that its own commit has leased, or the next in the queue. */
async function leased(store: Store, nowMs: number): Promise<Held | undefined> {
  const own = chance(4) > 0 ? late.shift() : undefined
  if (own) return own
  const [{ rows }] = await store.commit([{ kind: 'queueLease', nowMs, leaseMs: 60_000, limit: 1 }])
  const row = rows[0]
  if (!row) return undefined
  return {
    about: Number(row.address.slice(1, row.address.indexOf('@'))),
    lease: { recipient: row.id, fence: row.fence },
  }
}

let store = await openStore(options)
const bob = await addAccount(store, 'bob@example.org')
say('ack', 'account', bob.id)
const steps = Number(stepsText)
for (let i = 0; i < steps; i++) {
  await step(store, bob.id, bob.inbox, bob.trash)
  if (i === Math.floor(steps / 2)) {
    await store.close()
    store = await openStore(options)
    say('ack', 'reopened')
  }
}
// No goodbye: the recording ends in the middle of things.
process.exit(0)
