/** STATUS by the row of its mailbox. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../base/log.ts'
import { realClock } from '../platform/real/clock.ts'
import { addAccount, arrival, message } from '../store/conformance/fixtures.ts'
import { openStore } from '../store/sqlite/engine.ts'
import { StoreImapBackend } from './imap.ts'

test('STATUS loads no table; RECENT is counted only where it is asked and the row does not tell it, in pieces', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const bob = await addAccount(store, 'bob@example.org')
  for (let i = 0; i < 3; i++) await store.commit([await arrival(store, message(`m${i}`), [bob.inbox])])
  const asked: number[] = []
  let turns = 0
  // Pieces of one message, and a turn of the loop between them.
  const read = Object.assign(Object.create(store.read) as typeof store.read, {
    mailboxByName: (account: number, name: string) => store.read.mailboxByName(account, name),
    table: () => assert.fail('the table was loaded'),
    messagesFrom(mailbox: number, uid: number) {
      asked.push(turns)
      const { count } = store.read.messagesFrom(mailbox, uid)
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
