import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogFacts } from '../base/log.ts'
import { silentLog } from '../base/log.ts'
import { running } from '../base/running.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { watchLoop } from './watchdog.ts'

/** Work without waiting takes no virtual time: its duration is added. */
function watched() {
  const simulated = new SimulatedClock(0)
  let heldUpMs = 0
  const clock = {
    now: () => simulated.now() + heldUpMs,
    monotonic: () => simulated.monotonic() + heldUpMs,
    after: (delayMs: number, run: () => void) => simulated.after(delayMs, run),
    soon: (run: () => void) => simulated.soon(run),
  }
  const told: [string, LogFacts | undefined][] = []
  const watchdog = watchLoop(clock, { ...silentLog, warn: (event, facts) => void told.push([event, facts]) })
  const work = async (ms: number, ...doing: readonly Parameters<typeof running>[0][]): Promise<void> => {
    for (const one of doing) running(one)
    heldUpMs += ms
    await simulated.pass(60)
  }
  return { simulated, told, work, watchdog }
}

test('a turn of the event loop over 200 ms is one line that names what was running', async () => {
  const { simulated, told, work, watchdog } = watched()
  await simulated.pass(5000)
  await work(100, 'queue')
  assert.deepEqual(told, [])
  await work(900, 'queue', { doing: 'imap FETCH' }, 'queue')
  assert.deepEqual(told, [['event loop blocked', { ms: 900, running: 'imap FETCH, queue' }]])
  watchdog.cancel()
})

test('incidents soon after are counted, and reported in the next line', async () => {
  const { simulated, told, work, watchdog } = watched()
  await work(300, 'sweep')
  await work(300, 'sweep')
  await work(300, 'sweep')
  await simulated.pass(20_000)
  await work(250)
  assert.deepEqual(
    told.map(([, facts]) => facts),
    [
      { ms: 300, running: 'sweep' },
      { ms: 250, running: 'nothing with a name', untold: 2 },
    ],
  )
  watchdog.cancel()
})

test('a watchdog that was cancelled leaves no timer', async () => {
  const { simulated, told, work, watchdog } = watched()
  await simulated.pass(1000)
  watchdog.cancel()
  await work(5000, 'queue')
  assert.deepEqual(told, [])
})
