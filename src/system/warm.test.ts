import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Log } from '../base/log.ts'
import { realClock } from '../platform/real/clock.ts'
import { openStore } from '../store/sqlite/engine.ts'
import { warmUp } from './warm.ts'

async function tools(t: TestContext) {
  const said: string[] = []
  const say = (line: string, facts?: object): void => void said.push(`${line} ${JSON.stringify(facts)}`)
  const log: Log = { debug: say, info: say, warn: say, error: say }
  const store = await openStore({ folder: ':memory:', clock: realClock, log })
  t.after(() => store.close())
  let changes = 0
  store.listen(() => changes++)
  return { said, store, log, changes: () => changes }
}

test('warming up is answered OK to the end, says nothing, and leaves the store as it was', async (t) => {
  const { said, store, log, changes } = await tools(t)
  const warming = warmUp({ clock: realClock, log, store })
  await warming.over
  assert.deepEqual(said, [])
  assert.equal(changes(), 0)
  assert.deepEqual(await store.read.accounts('', 1), [])
  await warming.end()
})

test('it ends when the system stops, begun or not', async (t) => {
  const { said, store, log } = await tools(t)
  await warmUp({ clock: realClock, log, store }).end()
  let begun = (): void => {}
  const soon = new Promise<void>((resolve) => (begun = resolve))
  const read = Object.assign(Object.create(store.read) as typeof store.read, {
    mailboxes: async (account: never) => (begun(), store.read.mailboxes(account)),
  })
  const warming = warmUp({ clock: realClock, log, store: Object.assign(Object.create(store), { read }) })
  await soon
  await warming.end()
  assert.deepEqual(said, [])
})
