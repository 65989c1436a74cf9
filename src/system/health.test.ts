import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogFacts } from '../base/log.ts'
import { silentLog } from '../base/log.ts'
import type { DnsOutcome, Resolver } from '../base/resolver.ts'
import { makeSelfSigned } from '../platform/real/self-signed.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { X509Certificate } from 'node:crypto'
import { Health, type HealthCheck } from './health.ts'
import {
  certificateCheck,
  clockCheck,
  directoryCheck,
  queueCheck,
  storeChecks,
  WatchedResolver,
} from './health-checks.ts'

const minute = 60_000
const day = 86_400_000

function watched(checks: readonly HealthCheck[], clock = new SimulatedClock(Date.UTC(2026, 0, 1))) {
  const told: string[] = []
  const note =
    (level: string) =>
    (event: string, facts: LogFacts = {}) =>
      void told.push(`${level} ${event}: ${String(facts['trouble'])}`)
  const health = new Health({ clock, log: { ...silentLog, info: note('info'), error: note('error') } }, checks)
  health.start()
  return { clock, told, health }
}

test('a problem is logged once when it begins and once when it ends, however long it lasts', async () => {
  let broken = false
  const check: HealthCheck = { name: 'roof', look: () => (broken ? { problem: 'it leaks' } : undefined) }
  const { clock, told, health } = watched([check])
  await clock.pass(5 * minute)
  assert.deepEqual([told, health.samples()], [[], [[0, 'roof']]])
  broken = true
  await clock.pass(60 * minute)
  assert.deepEqual(told, ['error trouble begins: roof'])
  assert.deepEqual(health.samples(), [[1, 'roof']])
  const [trouble] = health.look()
  assert.equal(trouble!.problem, 'it leaks')
  assert.ok(clock.now() - trouble!.sinceMs >= 59 * minute)
  broken = false
  await clock.pass(60 * minute)
  assert.deepEqual(told, ['error trouble begins: roof', 'info trouble is over: roof'])
  assert.deepEqual(health.look(), [])
  health.stop()
})

test('a full disk, rows that cannot be written and a silent directory stop mail, and are logged by the parts that find them', async () => {
  let away = false
  const state = { full: false, behind: false }
  const { told, health } = watched([
    ...storeChecks({ state: () => state }),
    directoryCheck({ away: () => away, probe: async () => {} }, { monotonic: () => 0 }),
  ])
  for (const change of [() => (state.full = true), () => (state.behind = true), () => (away = true)]) {
    Object.assign(state, { full: false, behind: false })
    away = false
    assert.deepEqual(health.look(), [])
    change()
    const found = health.look()
    assert.equal(found.length, 1)
    assert.ok(found[0]!.stopsMail)
  }
  assert.deepEqual(told, [])
  health.stop()
})

test('a certificate is reported two weeks before its end, until it is replaced', async () => {
  const clock = new SimulatedClock(Date.now())
  const pem = await makeSelfSigned(['mail.example.org'], clock.now())
  const read = new X509Certificate(pem.certificate)
  let der: Uint8Array | undefined = read.raw
  const check = certificateCheck(() => der)
  const end = Date.parse(read.validTo)
  assert.equal(check.endMs(), end)
  const { health, told } = watched([check], clock)
  assert.deepEqual(check.look(end - 15 * day), undefined)
  assert.match(check.look(end - 13 * day)!.problem, /expires soon/)
  assert.match(check.look(end)!.problem, /has expired/)
  der = undefined
  assert.equal(check.endMs(), undefined)
  assert.equal(check.look(end), undefined)
  assert.deepEqual(told, [])
  health.stop()
})

test('mail that is due and not tried is reported; mail that waits is not', async () => {
  let due: number | undefined
  let grown = 0
  const asked = queueCheck(async () => due, { monotonic: () => grown })
  // A check judges what it read at the one before.
  const look = async (nowMs: number): Promise<ReturnType<typeof asked.look>> => {
    asked.look(nowMs)
    await Promise.resolve()
    return asked.look(nowMs)
  }
  const now = Date.UTC(2026, 0, 1)
  assert.equal(await look(now), undefined)
  due = now + day
  assert.equal(await look(now), undefined)
  due = now - 14 * minute
  assert.equal(await look(now), undefined)
  due = now - 16 * minute
  assert.equal(await look(now), undefined, 'the clock may have been set forward a moment ago')
  grown += 4 * minute
  assert.equal(await look(now), undefined)
  grown += minute
  assert.match((await look(now))!.problem, /is not tried/)
  due = now
  assert.equal(await look(now), undefined)
  due = now - 16 * minute
  assert.equal(await look(now), undefined)
})

test('a clock that is set back is reported until it has caught up; one that is set forward, once', () => {
  let wall = 1_000_000_000
  let grown = 0
  const check = clockCheck({ now: () => wall, monotonic: () => grown })
  const pass = (ms: number): ReturnType<typeof check.look> => {
    wall += ms
    grown += ms
    return check.look(wall)
  }
  assert.equal(pass(minute), undefined)
  wall -= 10 * minute
  assert.match(pass(minute)!.problem, /behind/)
  assert.match(pass(6 * minute)!.problem, /behind/)
  assert.equal(pass(3 * minute), undefined)
  wall += 60 * minute
  assert.match(pass(minute)!.problem, /forward/)
  assert.equal(pass(minute), undefined)
  wall += 30_000
  assert.equal(pass(minute), undefined)
})

test('the DNS is a problem when name after name has no answer, until the first answer', async () => {
  let outcome: DnsOutcome<never> = { kind: 'failed', reason: 'timeout' }
  const ask = (): Promise<DnsOutcome<never>> => Promise.resolve(outcome)
  const resolver: Resolver = { mx: ask, addresses: ask, txt: ask, srv: ask, tlsa: ask, reverse: ask }
  const watchedResolver = new WatchedResolver(resolver)
  const { check } = watchedResolver
  // One domain's own servers are broken.
  for (let i = 0; i < 20; i++) await watchedResolver.mx('Broken.example')
  assert.equal(check.look(0), undefined)
  await Promise.all([
    watchedResolver.addresses('b.example'),
    watchedResolver.txt('c.example'),
    watchedResolver.srv('d.example'),
    watchedResolver.tlsa('e.example'),
    watchedResolver.reverse('192.0.2.1'),
  ])
  assert.match(check.look(0)!.problem, /does not answer \(timeout\)/)
  outcome = { kind: 'none', nameExists: false }
  await watchedResolver.mx('f.example')
  assert.equal(check.look(0), undefined)
  assert.match(watchedResolver.answers.text(), /outcome="failed"\} 25\n[^]*outcome="none"\} 1\n/)
})

test('a directory that does not answer is queried by the check itself, and is found again without clients', async () => {
  let answers = false
  let away = true
  let probes = 0
  const probe = async (): Promise<void> => {
    probes++
    away = !answers
  }
  const clock = new SimulatedClock(Date.UTC(2026, 0, 1))
  const { health } = watched([directoryCheck({ away: () => away, probe }, clock)], clock)
  for (let i = 0; i < 50; i++) health.look()
  assert.equal(probes, 1, 'however often readiness is asked')
  await clock.pass(5 * minute)
  assert.ok(probes > 5)
  answers = true
  await clock.pass(minute)
  assert.deepEqual(health.look(), [])
  health.stop()
})
