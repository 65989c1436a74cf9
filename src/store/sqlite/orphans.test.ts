import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, stored } from '../conformance/fixtures.ts'
import type { SunkContent } from '../contents/sunk.ts'
import { openStore } from './engine.ts'

test('a large body that no row names is removed a day later, one that a row names stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-orphans-'))
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  const bob = await addAccount(store, 'bob@example.org')
  const bytes = message('large', 'x'.repeat(3_000_000))
  await store.commit([await arrival(store, bytes, [bob.inbox])])
  const orphan = (await stored(store, bytes)) as SunkContent
  // A crash came before its commit.
  const path = (file: string): string => join(folder, 'large', file.slice(0, 2), `${file}.eml`)
  assert.ok(existsSync(path(orphan.file!)))
  const nowMs = realClock.now()
  await store.sweep(nowMs)
  assert.ok(existsSync(path(orphan.file!)), 'a new one may still be named')
  const old = new Date(nowMs - 48 * 3_600_000)
  for (const sub of readdirSync(join(folder, 'large'))) {
    for (const name of readdirSync(join(folder, 'large', sub))) utimesSync(join(folder, 'large', sub, name), old, old)
  }
  const { contentsFreed } = await store.sweep(nowMs)
  assert.equal(contentsFreed, 1)
  assert.ok(!existsSync(path(orphan.file!)))
  assert.equal(readdirSync(join(folder, 'large')).flatMap((sub) => readdirSync(join(folder, 'large', sub))).length, 1)
  const refused = (await stored(store, bytes)) as SunkContent
  refused.abort()
  assert.ok(!existsSync(path(refused.file!)))
  await store.close()
  rmSync(folder, { recursive: true })
})
