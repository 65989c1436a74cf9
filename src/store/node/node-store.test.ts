/** What a node remembers, above an engine whose reads take their time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import { realClock } from '../../platform/real/clock.ts'
import type { Change, DomainChange } from '../changes.ts'
import type { EngineRows, StoreEngine, TablePage } from '../engine.ts'
import type { MailboxRow, User } from '../entities.ts'
import { nodeStore } from './node-store.ts'

const account = 1 as AccountId
const user = (quotaBytes: number): User => ({
  id: account,
  name: 'bob@example.org',
  disabled: false,
  restriction: 'none',
  quotaBytes,
  inbox: 7,
})

/** What is not there is a function that must not be called. */
function unasked<T extends object>(known: T): T {
  return new Proxy(known, { get: (at, name) => Reflect.get(at, name) ?? (() => assert.fail(String(name))) })
}

/** An engine of which only these rows are read. */
async function above(rows: Partial<EngineRows>) {
  let tell: (changes: readonly Change[]) => void = () => {}
  const engine = {
    rows: unasked({
      domains: async () => ['b.example'],
      directoryVersion: async () => version,
      upToDate: () => undefined,
      keywords: async () => [],
      modSeq: async () => 9 as ModSeq,
      ...rows,
    }),
    attach: (changed: typeof tell) => (tell = changed),
    newsMayBeLost: false,
  }
  const store = await nodeStore(unasked(engine) as unknown as StoreEngine, realClock)
  return { read: store.read, store, tell: (...changes: Change[]) => tell(changes) }
}

let version = 1
const directory = (domain?: DomainChange): Change =>
  domain ? { kind: 'directory', version: ++version, domain } : { kind: 'directory', version: ++version }

test('accounts and aliases are read once, unknown ones too, until the directory changes', async () => {
  const asked: string[] = []
  const { read, tell } = await above({
    async user(name) {
      asked.push(name)
      return name === 'bob@example.org' ? user(0) : undefined
    },
    async address(address) {
      asked.push(`both of ${address}`)
      return { account: undefined, targets: ['bob@example.org'] }
    },
  })
  for (let n = 0; n < 2; n++) {
    assert.equal((await read.user('bob@example.org'))!.inbox, 7)
    assert.equal(await read.user('eve@example.org'), undefined)
    const found = await read.address('info@example.org')
    assert.deepEqual(found, { account: undefined, targets: ['bob@example.org'] })
    assert.equal(await read.user('info@example.org'), undefined)
  }
  assert.deepEqual(asked, ['bob@example.org', 'eve@example.org', 'both of info@example.org'])
  tell(directory())
  await read.user('eve@example.org')
  assert.equal(asked.length, 4)
})

test('what was read while the directory changed is not remembered: it may be of before', async () => {
  const answers: ((found: User) => void)[] = []
  const { read, tell } = await above({ user: () => new Promise((resolve) => answers.push(resolve)) })
  const early = read.user('bob@example.org')
  tell(directory())
  answers.shift()!(user(1))
  assert.equal((await early)!.quotaBytes, 1)
  const later = read.user('bob@example.org')
  answers.shift()!(user(2))
  assert.equal((await later)!.quotaBytes, 2)
  assert.equal((await read.user('bob@example.org'))!.quotaBytes, 2)
})

test('the id of a mailbox is forgotten with the mailboxes of its account', async () => {
  let id = 7
  const { read, tell } = await above({ mailboxId: async () => id })
  assert.equal(await read.mailboxId(account, 'Junk'), 7)
  id = 8
  assert.equal(await read.mailboxId(account, 'Junk'), 7)
  tell({ kind: 'mailboxes', account: 2 as AccountId })
  assert.equal(await read.mailboxId(account, 'Junk'), 7)
  tell({ kind: 'mailboxes', account })
  assert.equal(await read.mailboxId(account, 'Junk'), 8)
})

test('the local domains follow the changes, in order of name', async () => {
  const { read, tell } = await above({})
  assert.deepEqual(read.domains(), ['b.example'])
  tell(directory({ name: 'a.example', isLocal: true }))
  assert.deepEqual(read.domains(), ['a.example', 'b.example'])
  assert.equal(read.isLocalDomain('a.example'), true)
  tell(directory({ name: 'b.example', isLocal: false }))
  assert.deepEqual(read.domains(), ['a.example'])
  assert.equal(read.isLocalDomain('b.example'), false)
})

function pageOf(...messages: readonly (readonly [uid: number, low: number, modSeq: number])[]): TablePage {
  return {
    uids: Uint32Array.from(messages.map(([uid]) => uid)),
    flagsLow: Uint32Array.from(messages.map(([, low]) => low)),
    flagsHigh: new Uint32Array(messages.length),
    modSeqs: Float64Array.from(messages.map(([, , modSeq]) => modSeq)),
  }
}

const row = (messages: number, uidNext: number) =>
  ({ id: 7, account, messages, uidNext: uidNext as Uid, highestModSeq: 9 as ModSeq, recentUid: 1 as Uid }) as MailboxRow

test('what changes while a table is read is in it, each change once', async () => {
  const asked: number[] = []
  const { read, tell } = await above({
    mailbox: async () => row(4, 6),
    async keywords() {
      tell({ kind: 'flagName', account, bit: 20, name: 'New' })
      return [{ bit: 19, name: 'Old' }]
    },
    async tablePage(_, after) {
      asked.push(after)
      if (after === 0) {
        tell(
          {
            kind: 'flags',
            account,
            mailbox: 7,
            modSeq: 10 as ModSeq,
            uids: [[1, 3]],
            mode: 'add',
            low: 1,
            high: 0,
          },
          {
            kind: 'added',
            account,
            mailbox: 7,
            uids: [6 as Uid],
            flagsLow: [0],
            flagsHigh: [0],
            modSeqs: [11 as ModSeq],
          },
        )
        return pageOf([1, 0, 1], [3, 0, 2])
      }
      tell({ kind: 'expunged', account, mailbox: 7, modSeq: 12 as ModSeq, uids: [[4, 4]] })
      // The page was read before the expunge and behind the arrival.
      return pageOf([4, 0, 3], [5, 0, 4], [6, 0, 11])
    },
  })
  const [table, again] = await Promise.all([read.table(7), read.table(7)])
  const { count, uids, flagsLow } = table.view()
  assert.deepEqual([...uids.subarray(0, count)], [1, 3, 5, 6])
  assert.deepEqual([...flagsLow.subarray(0, count)], [1, 1, 0, 0])
  assert.deepEqual([table.uidNext, table.highestModSeq], [7, 12])
  assert.deepEqual([table.flagNames[19], table.flagNames[20]], ['Old', 'New'])
  assert.equal(again.view(), table.view())
  assert.deepEqual(asked, [0, 3], 'two readers, one load, and no page behind the last message')
  tell({ kind: 'flagName', account, bit: 21, name: 'Newest' })
  assert.equal(table.flagNames[21], 'Newest')
})

test('a table is refused where its mailbox is gone, also while it is read, and read anew after a failure', async () => {
  let fails: 'gone' | 'deleted' | 'keywords' | undefined = 'gone'
  const { read, tell } = await above({
    mailbox: async () => (fails === 'gone' ? undefined : row(1, 2)),
    async keywords() {
      if (fails === 'keywords') throw new Error('the engine is away')
      return []
    },
    async tablePage() {
      if (fails === 'deleted') tell({ kind: 'mailboxGone', account, mailbox: 7 })
      return pageOf([1, 0, 1])
    },
  })
  await assert.rejects(read.table(7), { code: 'noSuchMailbox' })
  fails = 'deleted'
  await assert.rejects(read.table(7), { code: 'noSuchMailbox' })
  fails = 'keywords'
  await assert.rejects(read.table(7), /away/)
  fails = undefined
  const table = await read.table(7)
  assert.equal(table.view().count, 1)
  tell({ kind: 'mailboxGone', account, mailbox: 7 })
  assert.equal(table.gone, true)
})
