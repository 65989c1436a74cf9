import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../base/log.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { addAccount } from '../store/conformance/fixtures.ts'
import { openStore } from '../store/sqlite/engine.ts'
import { Sessions, type OpenSession } from './sessions.ts'

function session(id: string, name: string, accountId: number, ended: string[]): OpenSession {
  return {
    id,
    service: 'imap',
    address: '192.0.2.1',
    user: { accountId, name },
    close: () => void ended.push(`${id} closed`),
    destroy: () => void ended.push(`${id} cut`),
  }
}

test('an external directory is queried about signed-in accounts; without an answer nothing ends', async () => {
  const clock = new SimulatedClock(1_800_000_000_000)
  const store = await openStore({ folder: ':memory:', clock, log: silentLog })
  const opening = addAccount(store, 'bob@example.org')
  await clock.pass(1)
  const { id } = await opening
  let answer: 'there' | 'gone' | 'silent' = 'there'
  const asked: string[] = []
  const directory = {
    async find(name: string) {
      asked.push(name)
      if (answer === 'silent') throw new Error('no answer')
      return answer === 'there' ? { id, name, disabled: false } : undefined
    },
  }
  const sessions = new Sessions({ store, clock, log: silentLog, outside: { directory, recheckMs: () => 60_000 } })
  const ended: string[] = []
  sessions.add(session('a', 'bob@example.org', id, ended))
  sessions.add(session('b', 'bob@example.org', id, ended))
  await clock.pass(61_000)
  assert.deepEqual(asked, ['bob@example.org'], 'one question an account')
  answer = 'silent'
  await clock.pass(60_000)
  assert.deepEqual(ended, [])
  answer = 'gone'
  await clock.pass(60_000)
  assert.deepEqual(ended, ['a closed', 'b closed', 'a cut', 'b cut'])
  sessions.close()
  await store.close()
})

test('an account removed between its authentication and its sign-in has no session', async () => {
  const clock = new SimulatedClock(1_800_000_000_000)
  const store = await openStore({ folder: ':memory:', clock, log: silentLog })
  const sessions = new Sessions({ store, clock, log: silentLog })
  const ended: string[] = []
  sessions.add(session('a', 'bob@example.org', 4711, ended))
  await clock.pass(1)
  assert.deepEqual(ended, ['a closed'])
  sessions.close()
  await store.close()
})

test('a thousand changes of the directory are one check of each signed-in account', async () => {
  const clock = new SimulatedClock(1_800_000_000_000)
  let looks = 0
  const listeners: ((changes: readonly { kind: 'directory' }[]) => void)[] = []
  const store = {
    read: {
      accountById: (id: number) => {
        looks++
        return { id, disabled: id === 7 }
      },
      credentials: () => [],
    },
    listen(listener: (typeof listeners)[number]) {
      listeners.push(listener)
      return () => {}
    },
  } as unknown as ConstructorParameters<typeof Sessions>[0]['store']
  const sessions = new Sessions({ store, clock, log: silentLog })
  const ended: string[] = []
  for (let id = 1; id <= 500; id++) if (id !== 7) sessions.add(session(`s${id}`, `u${id}@example.org`, id, ended))
  looks = 0
  for (let n = 0; n < 1000; n++) for (const listener of listeners) listener([{ kind: 'directory' }])
  await clock.pass(900)
  assert.equal(looks, 499)
  assert.deepEqual(ended, [])
  sessions.close()
})
