/** What holds the event loop up is a line in the operator's log, by the name of the command. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { World } from './world.ts'

test('a command that holds the loop up is named; the watchdog ends with the system', async () => {
  const world = new World()
  const { clock, log } = world
  let heldUpMs = 0
  const late = {
    now: () => clock.now() + heldUpMs,
    monotonic: () => clock.monotonic() + heldUpMs,
    after: (delayMs: number, run: () => void) => clock.after(delayMs, run),
    soon: (run: () => void) => clock.soon(run),
  }
  const store = await openStore({ folder: ':memory:', clock, log })
  const table = store.read.table.bind(store.read)
  Object.assign(store.read, {
    table(mailbox: number) {
      heldUpMs += 900
      return table(mailbox)
    },
  })
  const site = {
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example'],
    users: ['bob@a.example'],
  }
  const system = await world.start(site, (platform) => ({ ...platform, hasRealTime: true, clock: late }), store)
  const bob = await world.imap(system, 'bob@a.example')
  await clock.pass(1000)
  const told = () => world.events.filter((event) => event.includes('event loop blocked'))
  assert.deepEqual(told(), [])
  await clock.until(bob.select('INBOX'))
  await clock.pass(1000)
  assert.equal(told().length, 1)
  assert.match(told()[0]!, /^warn event loop blocked .*"running":"[^"]*imap SELECT/)
  await world.stop()
  heldUpMs += 5000
  await clock.pass(20_000)
  assert.equal(told().length, 1)
})
