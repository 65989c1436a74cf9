/** What a watcher is told of a system: ready while it takes mail, and not when it refuses it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import type { Store, StoreState } from '../../src/store/store.ts'
import { realPlatform, startSystem } from '../../src/system.ts'

test('/readyz says not ready while the store takes no mail, and /healthz that the process lives', async (t) => {
  const opened = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  const state: { -readonly [K in keyof StoreState]: boolean } = { behind: false, full: false }
  const store = Object.create(opened, { state: { value: () => state } }) as Store
  const defaults = defaultConfig()
  const config = {
    ...defaults,
    data: ':memory:',
    domains: [],
    listeners: defaults.listeners.filter(({ service }) => service === 'http').map((one) => ({ ...one, port: 0 })),
  }
  const system = await startSystem(config, realPlatform(config, silentLog), store)
  t.after(() => system.stop())
  const { port } = system.listening[0]!
  const get = (path: string): Promise<number> => fetch(`http://127.0.0.1:${port}${path}`).then(({ status }) => status)
  assert.equal(await get('/readyz'), 200)
  for (const trouble of ['behind', 'full'] as const) {
    state[trouble] = true
    assert.deepEqual([await get('/readyz'), await get('/healthz')], [503, 200], trouble)
    state[trouble] = false
    assert.equal(await get('/readyz'), 200)
  }
})
