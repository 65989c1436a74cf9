/** Searches of one user do not stand before another's, and end when their client goes. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { addAccount, arrival, message } from '../../src/store/conformance/fixtures.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { SearchCancelled } from '../../src/store/store.ts'

test('eight searches of one account through 120 MB: another account has its answer before the first of them ends; cancelled ones end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-searches-'))
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  const eve = await addAccount(store, 'eve@example.org')
  const bob = await addAccount(store, 'bob@example.org')
  const body = `${'lorem ipsum dolor sit amet '.repeat(3)}\r\n`.repeat(12_500)
  for (let n = 0; n < 60; n++) await store.commit([await arrival(store, message(`m${n}`, body), [eve.inbox])])
  await store.commit([await arrival(store, message('mine'), [bob.inbox])])
  const key = { kind: 'text', needle: 'zzqq' } as const
  const gone = new AbortController()
  const order: string[] = []
  const hers = Array.from({ length: 8 }, () =>
    store.read.search(eve.inbox, key, [[1, 1000]], { signal: gone.signal }).then(
      () => order.push('eve'),
      (error: unknown) => order.push(error instanceof SearchCancelled ? 'cancelled' : String(error)),
    ),
  )
  const his = store.read.search(bob.inbox, key, [[1, 1000]]).then(() => order.push('bob'))
  await his
  assert.deepEqual(order, ['bob'])
  gone.abort()
  await Promise.all(hers)
  assert.deepEqual(order.slice(1), Array(8).fill('cancelled'))
  // The threads are free again: the next search is not behind what was cancelled.
  await store.read.search(bob.inbox, key, [[1, 1000]])
  await store.close()
  rmSync(folder, { recursive: true })
})
