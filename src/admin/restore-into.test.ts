import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../base/log.ts'
import { realClock } from '../platform/real/clock.ts'
import { addAccount, message, stored } from '../store/conformance/fixtures.ts'
import { factsOfBytes } from '../store/facts.ts'
import { openStore } from '../store/sqlite/engine.ts'
import { StorePop3Backend } from '../access/pop3.ts'
import { restoreInto } from './restore-into.ts'

test('restored messages keep their identity for POP3 clients', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-restore-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const store = await openStore({ folder: join(folder, 'data'), clock: realClock, log: silentLog })
  const { id, inbox } = await addAccount(store, 'bob@example.org')
  for (const uidl of [undefined, 'kept-from-elsewhere']) {
    const bytes = message(`with ${uidl}`)
    const content = await stored(store, bytes)
    const { facts } = factsOfBytes(bytes)
    const internalDate = { epochMs: 0, offsetMinutes: 0 }
    await store.commit([
      { kind: 'append', mailbox: inbox, content, facts, internalDate, savedAtMs: 0, flags: [], uidl },
    ])
  }
  const ids = async (): Promise<string[]> => {
    const maildrop = await new StorePop3Backend(store, realClock).open({ accountId: id, name: 'bob@example.org' })
    maildrop.close()
    return maildrop.messages.map(({ uidl }) => uidl)
  }
  const before = await ids()
  assert.equal(before[1], 'kept-from-elsewhere')
  await store.backup(join(folder, 'backup'))
  await store.commit([{ kind: 'expunge', mailbox: inbox, uids: [[1, 9]], force: true, nowMs: 0 }])
  assert.deepEqual(await ids(), [])
  const request = { folder: join(folder, 'backup'), account: 'bob@example.org' }
  const { restored } = await restoreInto({ store, clock: realClock }, request, () => {})
  assert.equal(restored, 2)
  assert.deepEqual(await ids(), before)
  await store.close()
})
