import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { silentLog } from '../base/log.ts'
import { realClock } from '../platform/real/clock.ts'
import { openStore } from '../store/sqlite/engine.ts'
import { addAccount, arrival, message } from '../store/conformance/fixtures.ts'
import type { Store } from '../store/store.ts'
import { runControl } from './control.ts'

const account = 'alice@example.org'

async function filled(t: TestContext): Promise<(name: string, args?: object) => Promise<unknown>> {
  const store: Store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const { inbox } = await addAccount(store, account)
  await store.commit([await arrival(store, message('one'), [inbox])])
  return async (name, args = {}) => {
    const answer = await runControl({ store, clock: realClock }, name, { account, ...args })
    return 'error' in answer ? answer.error.text : answer.result
  }
}

test('an operator makes, renames, shows and deletes mailboxes', async (t) => {
  const ask = await filled(t)
  const made = (await ask('mailboxCreate', { name: 'Projects/2026', role: 'archive' })) as Record<string, unknown>
  assert.deepEqual([made['name'], made['role'], made['account']], ['Projects/2026', 'archive', account])
  assert.deepEqual(await ask('mailboxRename', { from: 'Projects', to: 'Old' }), {
    account,
    from: 'Projects',
    to: 'Old',
  })
  const shown = (await ask('mailboxShow', { name: 'inbox' })) as Record<string, unknown>
  assert.deepEqual([shown['name'], shown['messages'], shown['uidNext'], shown['subscribed']], ['INBOX', 1, 2, true])
  for (const on of [false, true]) {
    await ask('mailboxSubscribe', { name: 'INBOX', on })
    assert.equal(((await ask('mailboxShow', { name: 'INBOX' })) as { subscribed: boolean }).subscribed, on)
  }
  assert.deepEqual(await ask('mailboxDelete', { name: 'Old/2026' }), { account, name: 'Old/2026', messages: 0 })
})

test('each refusal says what to do next', async (t) => {
  const ask = await filled(t)
  const refusals: readonly (readonly [name: string, args: object, text: RegExp])[] = [
    ['mailboxCreate', { name: 'Trash' }, /There is a mailbox of that name: use another name, or rename that one first/],
    ['mailboxCreate', { name: 'T', role: 'trash' }, /already has a mailbox for \\trash: leave out --role/],
    ['mailboxCreate', { name: 'T', role: 'bin' }, /Unknown role "bin": use one of drafts, /],
    ['mailboxCreate', { name: 'a//b' }, /no empty level/],
    ['mailboxRename', { from: 'Trash', to: 'INBOX' }, /use another name/],
    ['mailboxRename', { from: 'Nowhere', to: 'X' }, /no mailbox "Nowhere": "pennypost mailbox list/],
    ['mailboxDelete', { name: 'INBOX' }, /INBOX cannot be deleted: its owner's mail arrives there/],
    ['mailboxSubscribe', { name: 'Nowhere' }, /no mailbox "Nowhere"/],
    ['mailboxSubscribe', { name: 'Nowhere', on: false }, /not subscribed to "Nowhere"/],
    ['mailboxShow', { name: 'Nowhere' }, /"pennypost mailbox list alice@example.org" lists them/],
    [
      'mailboxShow',
      { account: 'bob@example.org', name: 'INBOX' },
      /no account bob@example.org: "pennypost account list"/,
    ],
  ]
  for (const [name, args, text] of refusals) assert.match(String(await ask(name, args)), text, JSON.stringify(args))
})
