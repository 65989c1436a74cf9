/**
 * kill -9 while mail is on its way through the queue to a host that counts: every recipient that was acknowledged arrives, and twice
 * only where the host's 250 was under way when the process died, or the host itself broke the connection behind the last dot.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { Wheel } from '../../src/base/wheel.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { verifyFolder } from '../../src/store/sqlite/verify.ts'
import { messageOf } from './expected.ts'
import { startSink } from './sink.ts'

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 6)
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)
const program = join(process.env['PENNYPOST_OUT']!, 'test/crash/server.program.js')
const folder = mkdtempSync(join(tmpdir(), 'pennypost-crash-relay-'))
/** What was under way when the process died: written by the host before the kill, not yet by us. */
const underWayMs = 1000
const drainMaxMs = 120_000

let running: ChildProcess | undefined
after(() => {
  running?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

let state = seed >>> 0
function chance(end: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * end)
}

function start(sinkPort: number): Promise<{ child: ChildProcess; smtp: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', program, folder, '50', String(sinkPort)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    running = child
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    child.stdout.once('data', (line: Buffer) => resolve({ child, smtp: Number(line.toString().split(' ')[0]) }))
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', () => resolve()),
  )
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test(`${rounds} rounds of kill -9 while mail is relayed: nobody is left out`, async (t) => {
  const sink = await startSink(chance)
  const acknowledged = new Set<string>()
  const kills: number[] = []
  let next = 1

  async function load(port: number, stopped: () => boolean): Promise<void> {
    const client = await SmtpClient.connect({
      network: realNetwork,
      clock: realClock,
      wheel: new Wheel(realClock),
      log: silentLog,
      address: '127.0.0.1',
      port,
      connectTimeoutMs: 5000,
      hostname: 'client.test',
    })
    while (!stopped()) {
      const n = next++
      const bytes = messageOf(n)
      const recipients = Array.from({ length: 1 + chance(4) }, (_, i) => `n${n}r${i}@d${n % 7}.test`)
      const sent = await client.send(
        { reversePath: `s${n % 5}@elsewhere.test`, recipients, body: '7bit', smtpUtf8: false },
        { sizeBytes: bytes.length, read: (from, to) => bytes.subarray(from, to) },
      )
      sent.recipients.forEach(({ code }, i) => {
        if (code === 250) acknowledged.add(recipients[i]!)
      })
      // The queue is to be at work in the whole round, not to grow without end.
      if (n % 20 === 0) await wait(20)
    }
  }

  for (let round = 0; round < rounds; round++) {
    const { child, smtp } = await start(sink.port)
    let stopped = false
    const outcomes = Promise.allSettled([load(smtp, () => stopped), load(smtp, () => stopped)])
    await wait(700 + chance(1200))
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
    kills.push(Date.now())
    stopped = true
    await ended(child)
    for (const outcome of await outcomes)
      if (outcome.status === 'rejected')
        assert.match(String(outcome.reason), /connection|closed|reset|gone|ended|EPIPE/i)
  }
  const { child } = await start(sink.port)
  const missing = (): string[] => [...acknowledged].filter((recipient) => !sink.taken.has(recipient))
  for (const startedMs = Date.now(); missing().length > 0 && Date.now() - startedMs < drainMaxMs;) await wait(250)
  assert.deepEqual(missing().slice(0, 5), [], `seed ${seed}: acknowledged, and never sent`)
  // Those that were taken and not written down are sent again meanwhile.
  await wait(2000)
  child.removeAllListeners('exit')
  child.kill('SIGTERM')
  await ended(child)
  const duplicates = [...sink.taken].filter(([, times]) => times.length > 1)
  const unexcused = duplicates.filter(
    ([recipient, times]) =>
      !sink.unheard.has(recipient) &&
      !kills.some((killMs) => times[0]! <= killMs + 50 && times[0]! >= killMs - underWayMs),
  )
  assert.deepEqual(unexcused.slice(0, 5), [], `seed ${seed}: sent twice, and no crash was near`)
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  const left = await store.read.queue(0, 10)
  await store.close()
  assert.deepEqual(
    left.map(({ address, lastReply }) => `${address}: ${lastReply}`),
    [],
  )
  assert.deepEqual(verifyFolder(folder).faults.slice(0, 5), [])
  const { later, brokenBefore, brokenAfter } = sink.moods
  t.diagnostic(
    `seed ${seed}: ${rounds} crashes, ${acknowledged.size} recipients acknowledged, 0 lost, ${duplicates.length} twice; the host said not now ${later} times and broke ${brokenBefore} + ${brokenAfter} connections`,
  )
  assert.ok(acknowledged.size > 100)
  await sink.close()
})
