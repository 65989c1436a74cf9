/** STATUS by the row of its mailbox; \Recent for one session. */
import type { AccountId, Uid } from '../../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message } from '../../store/conformance/fixtures.ts'
import { openStore } from '../../store/sqlite/engine.ts'
import { StoreImapBackend } from './backend.ts'

test('STATUS loads no table; RECENT is counted only where it is asked and the row does not tell it, in pieces', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const bob = await addAccount(store, 'bob@example.org')
  for (let i = 0; i < 3; i++) await store.commit([await arrival(store, message(`m${i}`), [bob.inbox])])
  const asked: number[] = []
  let turns = 0
  // Pieces of one message, and a turn of the loop between them.
  const read = Object.assign(Object.create(store.read) as typeof store.read, {
    mailboxByName: (account: AccountId, name: string) => store.read.mailboxByName(account, name),
    table: () => assert.fail('the table was loaded'),
    async messagesFrom(mailbox: number, uid: Uid) {
      asked.push(turns)
      const { count } = await store.read.messagesFrom(mailbox, uid)
      return count > 1 ? { count: 1, next: uid + 1 } : { count }
    },
  })
  const clock = { ...realClock, soon: (run: () => void) => (turns++, realClock.soon(run)) }
  const backend = new StoreImapBackend({ store: { ...store, read }, clock, messageBytesMax: () => 1000 })
  const account = await backend.open({ accountId: bob.id } as never)
  const recent = async (wanted: boolean) => (await account.status('INBOX', { recent: wanted })).recent
  assert.deepEqual([await recent(false), await recent(true), asked], [0, 3, []])
  await store.commit([{ kind: 'claimRecent', mailbox: bob.inbox }])
  assert.deepEqual([await recent(true), asked], [0, []])
  for (let i = 0; i < 3; i++) await store.commit([await arrival(store, message(`n${i}`), [bob.inbox])])
  assert.deepEqual([await recent(false), asked], [0, []])
  assert.deepEqual([await recent(true), asked], [3, [0, 1, 2]])
})

test('a message that arrives is \\Recent in the first session that looks, and one commit claims it', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const bob = await addAccount(store, 'bob@example.org')
  let claims = 0
  const commit: typeof store.commit = (operations, options) => {
    claims += operations.filter(({ kind }) => kind === 'claimRecent').length
    return store.commit(operations, options)
  }
  const counting = Object.assign(Object.create(store) as typeof store, { read: store.read, commit })
  const backend = new StoreImapBackend({ store: counting, clock: realClock, messageBytesMax: () => 1000 })
  const account = await backend.open({ accountId: bob.id } as never)
  const select = (readOnly: boolean) => account.select('INBOX', { readOnly, onChange() {} })
  const sessions = [await select(false), await select(true), await select(false), await select(false)]
  await store.commit([await arrival(store, message('m'), [bob.inbox])])
  // All in the same moment, before any claim is written.
  const counts = sessions.map((session) => session.uidNext() - session.claimRecent())
  assert.deepEqual([counts, claims], [[1, 0, 0, 0], 1])
  await store.commit([await arrival(store, message('n'), [bob.inbox])])
  const looksFirst = sessions[1]!
  assert.equal(looksFirst.uidNext() - looksFirst.claimRecent(), 1, 'EXAMINE sees it and takes nothing')
  const late = await select(false)
  assert.equal(late.uidNext() - late.recentUid, 1)
  assert.deepEqual(
    sessions.map((session) => session.uidNext() - session.claimRecent()),
    [0, 0, 0, 0],
  )
  for (const session of [...sessions, late]) session.close()
  assert.equal((await select(false)).recentUid, late.uidNext(), 'the claim is in the store')
})

test('an arrival is no change of flags: no session walks over the table for it', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const bob = await addAccount(store, 'bob@example.org')
  const backend = new StoreImapBackend({ store, clock: realClock, messageBytesMax: () => 1000 })
  const account = await backend.open({ accountId: bob.id } as never)
  const session = await account.select('INBOX', { readOnly: false, onChange() {} })
  const before = session.highestModSeq()
  await store.commit([await arrival(store, message('m'), [bob.inbox])])
  assert.ok(session.highestModSeq() > before)
  assert.equal(session.flagsModSeq(), before)
  const { modSeq } = await session.store(Uint32Array.of(1), 'add', ['\\Seen'])
  assert.equal(session.flagsModSeq(), modSeq)
  session.close()
})

test('one small message is there at once, and its pages say the same', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const bob = await addAccount(store, 'bob@example.org')
  for (const body of ['small', 'x'.repeat(100_000)])
    await store.commit([await arrival(store, message('m', body), [bob.inbox])])
  const backend = new StoreImapBackend({ store, clock: realClock, messageBytesMax: () => 1_000_000 })
  const account = await backend.open({ accountId: bob.id } as never)
  const session = await account.select('INBOX', { readOnly: false, onChange() {} })
  const small = session.fetch(Uint32Array.of(1), { bytes: true, envelope: true })
  assert.deepEqual(
    small.whole?.map(({ uid }) => uid),
    [1],
  )
  for await (const page of small) assert.equal(page, small.whole)
  assert.equal(session.fetch(Uint32Array.of(2), { bytes: true }).whole, undefined, 'a large one is waited for')
  session.close()
})
