/** The embedded engine and the reference engine, asked to do the same, answer the same, tell the same, and have the same rows. */
import fc from 'fast-check'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { domainDestination, failedDestination, localDestination } from '../../mail/destination.ts'
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import { realClock } from '../../platform/real/clock.ts'
import { timePrefix } from '../arrival-id.ts'
import type { Change } from '../changes.ts'
import { message, nowMs, stored } from '../conformance/fixtures.ts'
import { factsOfBytes } from '../facts.ts'
import { nodeStore } from '../node/node-store.ts'
import type { Operation } from '../operations.ts'
import { openStore } from '../sqlite/engine.ts'
import { StoreRefusal, type Store } from '../store.ts'
import { referenceEngine } from './memory-engine.ts'

/** Contents belong to a store: an arrival is made for each of both. */
type Made = (store: Store) => Promise<Operation>

const is = (operation: unknown): Made => {
  return async () => operation as Operation
}

const accounts = ['a@x.example', 'b@x.example', 'c@y.example']
const ids = [1, 2, 3] as readonly number[] as readonly AccountId[]
const names = ['INBOX', 'Trash', 'One', 'One/Two', 'one', 'Other', 'a//b']
const flagSets = [[], ['\\Seen'], ['\\Deleted'], ['\\Seen', '\\Flagged'], ['k1'], ['K1', 'k2', '$Junk']]
const arrivalIds = ['m1', 'm2', 'm3'].map((name) => timePrefix(nowMs) + name)

const mailbox = fc.integer({ min: 1, max: 9 })
const account = fc.constantFrom(...ids)
const flags = fc.constantFrom(...flagSets)
const at = fc.integer({ min: 0, max: 5 }).map((step) => nowMs + step * 1000)
const uids = fc
  .array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 4 })
  .map((ends) => [...new Set(ends)].sort((a, b) => a - b))
  .map((ends) => (ends.length < 4 ? [[ends[0]!, ends.at(-1)!]] : [ends.slice(0, 2), ends.slice(2)]))
const lease = fc.record({ recipient: fc.integer({ min: 1, max: 8 }), fence: fc.integer({ min: 0, max: 3 }) })
const destination = fc.constantFrom(domainDestination('far.test'), domainDestination('near.test'), localDestination)
const subject = fc.integer({ min: 0, max: 3 })

function bytesOf(n: number): Buffer {
  return message(
    n % 2 === 0 ? 'even' : `Re: ${n}`,
    'x'.repeat(n * 20),
    n === 3 ? 'In-Reply-To: <even@example.org>\r\n' : '',
  )
}

const queueRequest = fc.record({
  reversePath: fc.constantFrom('', 'a@x.example'),
  recipients: fc.array(
    fc.record({
      address: fc.constantFrom('u@far.test', 'v@near.test'),
      destination,
      parameters: fc.constant({ body: '7bit', smtpUtf8: false } as const),
      turnMs: fc.option(at, { nil: undefined }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  prefix: fc.constantFrom('', 'Received: x\r\n'),
  firstAttemptMs: at,
  expiresAtMs: fc.constant(nowMs + 100_000),
  submitter: fc.option(account, { nil: undefined }),
  held: fc.option(fc.constant(true), { nil: undefined }),
  leasedUntilMs: fc.option(at, { nil: undefined }),
})

const arrive = fc
  .record({
    subject,
    arrivalId: fc.constantFrom(...arrivalIds),
    filings: fc.array(
      fc.record({
        mailbox,
        prefix: fc.constantFrom('', 'Return-Path: <>\r\n'),
        flags,
        recipients: fc.constantFrom([], ['a@x.example']),
      }),
      { maxLength: 2 },
    ),
    queue: fc.option(queueRequest, { nil: undefined }),
    discarded: fc.option(fc.constant([{ recipient: 'd@x.example', rule: 'r' }]), { nil: undefined, freq: 1 }),
    bounced: fc.option(fc.constant([{ recipient: 'e@x.example', reply: '550 no' }]), { nil: undefined, freq: 1 }),
  })
  .map(({ subject, ...more }): Made => async (store) => {
    const bytes = bytesOf(subject)
    const { facts } = factsOfBytes(bytes)
    const content = await stored(store, bytes)
    return { kind: 'arrive', content, facts, at: { epochMs: nowMs, offsetMinutes: 60 }, ...more }
  })

const append = fc
  .record({ subject, mailbox, flags, uidl: fc.option(fc.constant('u1'), { nil: undefined }) })
  .map(({ subject, ...more }): Made => async (store) => {
    const bytes = bytesOf(subject)
    const { facts } = factsOfBytes(bytes)
    const internalDate = { epochMs: nowMs - 1000, offsetMinutes: 0 }
    return { kind: 'append', content: await stored(store, bytes), facts, internalDate, savedAtMs: nowMs, ...more }
  })

function kind(name: Operation['kind'], fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Made> {
  return fc.record(fields).map((made) => is({ kind: name, ...made }))
}

const optional = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined })
const moment = { nowMs: at }
const name = fc.constantFrom(...names)
const anAccount = fc.constantFrom(...accounts)

const operation = fc.oneof(
  { weight: 6, arbitrary: arrive },
  { weight: 3, arbitrary: append },
  {
    weight: 5,
    arbitrary: kind('flags', {
      mailbox,
      uids,
      mode: fc.constantFrom('add', 'remove', 'replace'),
      flags,
      unchangedSince: optional(fc.integer({ min: 1, max: 30 }).map((n) => n as ModSeq)),
    }),
  },
  {
    weight: 2,
    arbitrary: kind('expunge', { mailbox, uids: optional(uids), force: optional(fc.boolean()), ...moment }),
  },
  { weight: 2, arbitrary: kind('copy', { mailbox, uids, target: mailbox, ...moment }) },
  { weight: 2, arbitrary: kind('move', { mailbox, uids, target: mailbox, ...moment }) },
  { weight: 2, arbitrary: kind('mailboxCreate', { account, name, role: optional(fc.constantFrom('junk', 'sent')) }) },
  { weight: 1, arbitrary: kind('mailboxDelete', { account, name, ...moment }) },
  { weight: 1, arbitrary: kind('mailboxRename', { account, from: name, to: name, ...moment }) },
  { weight: 1, arbitrary: kind('subscribe', { account, name, on: fc.boolean() }) },
  { weight: 1, arbitrary: kind('claimRecent', { mailbox }) },
  { weight: 1, arbitrary: kind('domainAdd', { name: fc.constantFrom('x.example', 'y.example') }) },
  { weight: 1, arbitrary: kind('domainRemove', { name: fc.constantFrom('y.example', 'z.example') }) },
  {
    weight: 1,
    arbitrary: kind('accountAdd', {
      name: anAccount,
      quotaBytes: fc.constantFrom(0, 1000),
      mailboxes: fc.constant([{ name: 'INBOX', role: 'inbox' }]),
      ...moment,
    }),
  },
  { weight: 1, arbitrary: kind('accountRemove', { name: anAccount }) },
  {
    weight: 1,
    arbitrary: kind('accountSet', {
      name: anAccount,
      disabled: optional(fc.boolean()),
      quotaBytes: optional(fc.constantFrom(0, 500)),
      restriction: optional(fc.constantFrom('held', 'none')),
    }),
  },
  {
    weight: 1,
    arbitrary: kind('credentialSet', {
      account,
      type: fc.constant('t'),
      name: fc.constantFrom('', 'n'),
      value: fc.constantFrom('', 'v'),
    }),
  },
  {
    weight: 1,
    arbitrary: kind('aliasSet', {
      address: fc.constantFrom('i@x.example', 'j@z.example'),
      targets: fc.constantFrom([], ['a@x.example']),
      expected: optional(fc.constantFrom(null, ['a@x.example'])),
    }),
  },
  {
    weight: 1,
    arbitrary: kind('settingSet', {
      name: fc.constant('s'),
      value: fc.constantFrom('1', '2'),
      expected: optional(fc.constantFrom(null, '1')),
    }),
  },
  {
    weight: 4,
    arbitrary: kind('queueLease', {
      ...moment,
      leaseMs: fc.constant(1500),
      limit: fc.integer({ min: 1, max: 4 }),
      perDestination: optional(fc.integer({ min: 1, max: 2 })),
      busy: optional(fc.constant(['near.test'])),
      after: optional(fc.constant('far.test')),
    }),
  },
  { weight: 1, arbitrary: kind('queueRenew', { recipients: fc.array(lease, { maxLength: 2 }), untilMs: at }) },
  {
    weight: 1,
    arbitrary: kind('queueReturn', {
      recipients: fc.array(lease, { maxLength: 3 }),
      dueMs: at,
      spreadMs: optional(fc.constant(1000)),
      reply: optional(fc.constant('450 wait')),
      ...moment,
    }),
  },
  { weight: 1, arbitrary: kind('queueReclaim', { dueMs: at }) },
  {
    weight: 2,
    arbitrary: kind('queueFile', {
      entry: fc.integer({ min: 1, max: 5 }),
      mailbox,
      prefix: fc.constant('Delivered-To: x\r\n'),
      flags,
      threadKeys: fc.constantFrom([7], [], [8, 7]),
      facts: optional(fc.constant(factsOfBytes(bytesOf(1)).facts)),
    }),
  },
  {
    weight: 3,
    arbitrary: kind('queueFinish', {
      lease,
      outcome: fc.constantFrom('relayed', 'bounced', 'filed', 'discarded'),
      reply: fc.constant('250 ok'),
      ...moment,
    }),
  },
  {
    weight: 3,
    arbitrary: kind('queueDefer', {
      lease,
      warned: optional(fc.constant(true)),
      nextAttemptMs: at,
      reply: fc.constant('450 later'),
      ...moment,
    }),
  },
  {
    weight: 2,
    arbitrary: kind('queueAct', {
      recipient: fc.integer({ min: 1, max: 8 }),
      act: fc.constantFrom('hold', 'release', 'retry', 'drop'),
      ...moment,
    }),
  },
  {
    weight: 1,
    arbitrary: kind('queueReroute', {
      recipient: fc.integer({ min: 1, max: 8 }),
      destination: fc.oneof(destination, fc.constant(failedDestination)),
      release: optional(fc.constant(true)),
      reply: optional(fc.constant('550 no')),
      ...moment,
    }),
  },
)

const beginning: readonly unknown[] = [
  { kind: 'domainAdd', name: 'x.example' },
  ...accounts.slice(0, 2).map((name, n) => ({
    kind: 'accountAdd',
    name,
    quotaBytes: n * 1500,
    mailboxes: [
      { name: 'INBOX', role: 'inbox' },
      { name: 'Trash', role: 'trash' },
    ],
    nowMs,
  })),
]

const isArrival = ({ kind }: Operation): boolean => kind === 'arrive' || kind === 'append'

/** What it answered and told, as text. */
async function done(store: Store, makes: readonly Made[]): Promise<string> {
  const operations: Operation[] = []
  for (const make of makes) operations.push(await make(store))
  // The embedded engine writes the rows of arrivals at the end of a commit: nothing in it can know their ids.
  operations.sort((a, b) => Number(isArrival(a)) - Number(isArrival(b)))
  // Rows that come late are there seconds later at the latest, long before a lease of their commit has ended: here no time passes.
  if (operations.some(({ kind }) => kind === 'queueLease')) await store.read.queue(0, 1)
  const told: Change[] = []
  const stop = store.listen((changes) => void told.push(...changes))
  const answer = await store.commit(operations).catch((error: unknown) => {
    if (error instanceof StoreRefusal) return error.code
    throw error
  })
  await new Promise((resolve) => setImmediate(resolve))
  stop()
  return JSON.stringify({ operations: operations.map(({ kind }) => kind), answer, told })
}

async function tableOf(store: Store, id: number): Promise<unknown> {
  const table = await store.read.table(id)
  const { count, uids: held, flagsLow, flagsHigh, modSeqs } = table.view()
  const { uidNext, highestModSeq, recentUid, flagNames } = table
  const columns = [held, flagsLow, flagsHigh, modSeqs].map((column) => [...column.subarray(0, count)])
  table.release()
  const rows: unknown[] = []
  for await (const page of store.read.rows(id, held.slice(0, count), {
    envelope: true,
    bodyStructure: true,
    bytes: true,
  }))
    for (const { bytes, problem: _, ...row } of page)
      rows.push({ ...row, bytes: Buffer.from(await bytes!.read(0, bytes!.sizeBytes)).toString('latin1') })
  return { uidNext, highestModSeq, recentUid, flagNames: [...flagNames], columns, rows }
}

async function queuedOf({ read }: Store, entry: number): Promise<unknown> {
  const content = await read.queuedContent(entry)
  return content && [content.indexed, Buffer.from(await content.read(0, content.sizeBytes)).toString('latin1')]
}

async function mailOf(store: Store, id: number): Promise<unknown> {
  if (!(await store.read.mailbox(id))) return undefined
  const all = [[1, 0xffff_ffff]] as const
  const search = async (key: Parameters<Store['read']['search']>[1]) => [...(await store.read.search(id, key, all))]
  return {
    table: await tableOf(store, id),
    found: [
      await search({ kind: 'flag', flag: 'K1' }),
      await search({ kind: 'header', name: 'subject', needle: 'EVEN' }),
      await search({ kind: 'larger', sizeBytes: 230 }),
      await search({ kind: 'smaller', sizeBytes: 230 }),
      await search({ kind: 'text', needle: 'even' }),
      await search({ kind: 'text', needle: 'delivered-to' }),
      await search({ kind: 'header', name: 'return-path', needle: '' }),
      await search({ kind: 'sentDay', first: 20455, end: 20456 }),
      await search({ kind: 'modSeq', least: 9 as ModSeq }),
      await search({
        kind: 'uid',
        ranges: [
          [2, 3],
          [5, 9],
        ],
      }),
      await search({
        kind: 'or',
        left: { kind: 'flag', flag: '\\Seen' },
        right: {
          kind: 'and',
          keys: [
            { kind: 'body', needle: 'xx' },
            { kind: 'not', key: { kind: 'flag', flag: 'k2' } },
          ],
        },
      }),
      [
        ...(await store.read.search(id, { kind: 'all' }, [
          [2, 3],
          [6, 7],
        ])),
      ],
      await search({ kind: 'not', key: { kind: 'body', needle: 'xxx' } }),
      await search({ kind: 'internalDay', first: 20455, end: 20456 }),
    ],
    identities: await store.read.identities(id, 1, 3),
    newer: await store.read.messagesFrom(id, 2 as Uid),
  }
}

const someIds = Array.from({ length: 30 }, (_, n) => n + 1)

/** Emails, threads, and what became of them since some positions. */
async function emailsOf({ read }: Store, account: AccountId): Promise<unknown> {
  if (!(await read.accountById(account))) return undefined
  const pages: unknown[] = []
  for (const modSeq of [0, 3, 9, 15, 30] as readonly number[] as readonly ModSeq[]) {
    pages.push(await read.mailboxesGone(account, modSeq), await read.emailChanges(account, { modSeq }, 50))
    let page = await read.emailChanges(account, { modSeq, emailId: 2 }, 2)
    pages.push(page)
    if (page?.more) pages.push((page = await read.emailChanges(account, page.to, 2)))
  }
  return [await read.emails(account, someIds), await read.threads(account, someIds), pages]
}

/** Everything that reads tell. */
async function everything(store: Store): Promise<unknown> {
  const { read } = store
  const queue = await read.queue(0, 100)
  const ofAccounts = ids.map(async (id) => [
    await read.mailboxes(id),
    await read.subscriptions(id),
    await emailsOf(store, id),
    (await read.credentials(id, 't')).map(({ name, value }) => [name, value]),
  ])
  return {
    directory: [read.domains(), await read.accounts('', 10), await read.aliases('', 10), await read.setting('s')],
    accounts: await Promise.all(ofAccounts),
    mail: await Promise.all(Array.from({ length: 12 }, (_, n) => mailOf(store, n + 1))),
    queue,
    attempts: await Promise.all(queue.map(({ id }) => read.queueAttempts(id))),
    some: await read.queueWhere({ sender: '@X.example', state: 'deferred' }, 0, 2),
    shape: await read.queueShape(0, nowMs + 600_000),
    // Once its rows are there, the embedded engine counts what was leased from the start.
    due: queue.some(({ state, fence }) => state === 'leased' && fence === 1) ? undefined : await read.queueDue(),
    // Of two arrivals with one id, the one whose rows come late may be second.
    ledger: await Promise.all(
      arrivalIds.map(async (id) => (await read.ledger(id)).map((row) => JSON.stringify(row)).sort()),
    ),
    some2: await read.ledgerWhere(timePrefix(nowMs), '~', 'D@x.example', 2),
    counts: await read.counts(),
    more: await Promise.all([
      ...accounts.flatMap((name) => [read.user(name), read.account(name), read.address(name)]),
      read.address('i@x.example'),
      read.alias('j@z.example'),
      ...ids.flatMap((id) => [
        read.accountById(id),
        read.usedBytes(id),
        read.mailboxByName(id, 'One/Two'),
        read.mailboxId(id, 'INBOX'),
      ]),
      ...queue.flatMap((row) => [read.queueSiblings(row, 2), read.queueRecipient(row.id)]),
      read.queueWhere({ recipient: '@far.test', acceptedBeforeMs: nowMs + 1 }, 0, 3),
      read.queueWhere({ destination: localDestination }, 0, 10),
      read.queueWhere({ submitter: ids[0]! }, 0, 10),
    ]),
    contents: await Promise.all([...new Set(queue.map(({ entry }) => entry))].map((entry) => queuedOf(store, entry))),
  }
}

/** Values alone: the prototypes of rows differ, and `undefined` is nothing. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

const runs = Number(process.env['MODEL_RUNS'] ?? 60)
const seed = process.env['MODEL_SEED']

test('random operations: the same answers, news and rows on SQLite and in plain maps', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(operation, { minLength: 1, maxLength: 3 }), { minLength: 5, maxLength: 40 }),
      async (commits) => {
        const sqlite = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
        const reference = await nodeStore(referenceEngine(realClock), realClock)
        try {
          for (const [n, makes] of [beginning.map(is), ...commits].entries()) {
            assert.equal(await done(sqlite, makes), await done(reference, makes))
            const sweptMs = n % 12 === 11 ? nowMs + 91 * 86_400_000 : nowMs
            if (n % 6 === 5) await sqlite.sweep(sweptMs).then(() => reference.sweep(sweptMs))
            if (n % 9 === 8) await sqlite.reindex().then(() => reference.reindex())
            if (n % 4 === 0 || n === commits.length)
              assert.deepEqual(plain(await everything(sqlite)), plain(await everything(reference)))
          }
        } finally {
          await sqlite.close()
          await reference.close()
        }
      },
    ),
    { numRuns: runs, includeErrorInReport: true, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  )
})
