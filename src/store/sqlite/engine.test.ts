import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { conformance } from '../conformance/conformance.ts'
import { openStore } from './engine.ts'
import { verifyFolder } from './verify.ts'

const options = { clock: realClock, log: silentLog }

conformance('memory', async () => {
  const store = await openStore({ folder: ':memory:', ...options })
  return { store, done: () => store.close() }
})

conformance('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-store-'))
  let store = await openStore({ folder, ...options })
  return {
    store,
    async done() {
      await store.close()
      // Whatever a store has been through, its rows agree with each other and with the bytes.
      const { faults } = verifyFolder(folder)
      rmSync(folder, { recursive: true })
      assert.deepEqual(faults, [])
    },
    async reopen() {
      await store.close()
      store = await openStore({ folder, ...options })
      return store
    },
  }
})
