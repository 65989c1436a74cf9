import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../base/clock.ts'
import { Refusal } from '../mail/status.ts'
import { authDefaults } from './options.ts'
import { prefixesOf } from './prefix.ts'
import { Throttle } from './throttle.ts'

/** A clock that is set by the test; waits end at once and are recorded. */
class Stopwatch implements Clock {
  nowMs = 0
  waitedMs = 0
  now = (): number => this.nowMs
  monotonic = (): number => this.nowMs
  soon = (run: () => void): void => queueMicrotask(run)
  after(delayMs: number, run: () => void): { cancel(): void } {
    this.nowMs += delayMs
    this.waitedMs += delayMs
    queueMicrotask(run)
    return { cancel() {} }
  }
}

const home = '192.0.2.10'
const alice = 'alice@a.example'

function make() {
  const clock = new Stopwatch()
  const throttle = new Throttle({ now: authDefaults }, clock)
  /** Tries a password: how long it had to wait, or that it was refused. */
  const wrong = async (address: string, name: string, password: string | undefined): Promise<number | 'refused'> => {
    const before = clock.waitedMs
    try {
      const admission = await throttle.admit(address, name)
      throttle.checkStill(address, name, admission)
    } catch (error) {
      assert.ok(error instanceof Refusal && error.status.code === 454)
      return 'refused'
    }
    throttle.failed(address, name, password)
    return clock.waitedMs - before
  }
  const right = async (address: string, name: string): Promise<number> => {
    const before = clock.waitedMs
    const admission = await throttle.admit(address, name)
    throttle.checkStill(address, name, admission)
    throttle.succeeded(address, name)
    return clock.waitedMs - before
  }
  return { clock, throttle, wrong, right }
}

test('prefixes: IPv4 /32 and /24, IPv6 /64 and /48, however they are written', () => {
  const same = (a: string, b: string): boolean[] => {
    const [one, other] = [prefixesOf(a), prefixesOf(b)]
    return [one.narrow === other.narrow, one.wide === other.wide]
  }
  assert.deepEqual(same('192.0.2.1', '192.0.2.2'), [false, true])
  assert.deepEqual(same('192.0.2.1', '192.0.3.1'), [false, false])
  assert.deepEqual(same('2001:db8::1', '2001:0DB8:0:0:ffff::2'), [true, true])
  assert.deepEqual(same('2001:db8:0:1::1', '2001:db8:0:2::1'), [false, true])
  assert.deepEqual(same('2001:db8:0::1', '2001:db8:1::1'), [false, false])
  assert.deepEqual(same('::ffff:192.0.2.1', '192.0.2.1'), [true, true])
})

test('a few different passwords are free, then each waits twice as long, then it is refused', async () => {
  const { wrong } = make()
  const waits = []
  for (let at = 0; at < 10; at++) waits.push(await wrong(home, alice, `guess ${at}`))
  assert.deepEqual(waits.slice(0, 7), [0, 0, 0, 0, 1000, 2000, 4000])
  assert.equal(waits.at(-1), 'refused')
})

test('a device that repeats one wrong password does not count again', async () => {
  const { wrong } = make()
  for (let at = 0; at < 100; at++) assert.equal(await wrong(home, alice, 'the old one'), 0)
})

test('after a while all is forgotten, and a slow guesser has one a minute', async () => {
  const { clock, wrong } = make()
  for (let at = 0; at < 50; at++) {
    await wrong(home, alice, `guess ${at}`)
    clock.nowMs += 55_000
  }
  let taken = 0
  for (let at = 0; at < 600; at++) {
    if ((await wrong(home, alice, `more ${at}`)) !== 'refused') taken++
    clock.nowMs += 1000
  }
  assert.ok(taken <= 12, `${taken} guesses in ten minutes`)
  clock.nowMs += 3_700_000
  assert.equal(await wrong(home, alice, 'new day'), 0)
})

test('failures from elsewhere do not lock the account: neither at home nor from a new place', async () => {
  const { wrong, right } = make()
  for (let host = 0; host < 250; host++)
    for (let at = 0; at < 5; at++) await wrong(`203.0.${host}.7`, alice, `g${host} ${at}`)
  assert.equal(await right(home, alice), 0)
  assert.equal(await right('198.51.100.1', alice), 0)
})

test('an office behind one address: wrong passwords of one user do not delay the others', async () => {
  const { wrong, right } = make()
  for (let at = 0; at < 50; at++) await wrong(home, alice, `guess ${at}`)
  assert.equal(await right(home, 'bob@a.example'), 0)
})

test('where the account signs in, failures of others at that address are let pass for long', async () => {
  const { wrong, right } = make()
  await right(home, alice)
  for (let at = 0; at < 90; at++) assert.equal(await wrong(home, alice, `guess ${at}`), 0)
  assert.equal(await right(home, alice), 0)
  // But not for ever: an attacker at the same address cannot go on guessing.
  for (let at = 0; at < 150; at++) await wrong(home, alice, `next ${at}`)
  assert.equal(await wrong(home, alice, 'one more'), 'refused')
})

test('guesses from a whole network are delayed too', async () => {
  const { wrong } = make()
  const outcomes = []
  for (let host = 0; host < 250; host++) outcomes.push(await wrong(`192.0.2.${host}`, alice, `guess ${host}`))
  // Five times what one address may.
  const free = 5 * authDefaults.failuresFree
  assert.deepEqual(
    outcomes.slice(0, free + 3),
    Array.from({ length: free + 3 }, (_, n) => (n <= free ? 0 : 1000 * 2 ** (n - free - 1))),
  )
  const refused = outcomes.filter((outcome) => outcome === 'refused').length
  assert.ok(refused > 200, `${refused} of 250`)
})

test('an address that tries a list of names is refused; one where most get in is not; loopback never is', async () => {
  const { wrong, right } = make()
  const outcomes = []
  for (let at = 0; at < 40; at++) outcomes.push(await wrong(home, `user${at}@a.example`, 'summer'))
  assert.deepEqual(
    outcomes.slice(0, 21),
    Array.from({ length: 21 }, () => 0),
  )
  assert.deepEqual(new Set(outcomes.slice(21)), new Set(['refused']))
  // Accounts that signed in there before still may.
  const office = '198.51.100.9'
  for (let at = 0; at < 30; at++) await right(office, `clerk${at}@a.example`)
  for (let at = 0; at < 40; at++) assert.equal(await wrong(office, `typo${at}@a.example`, 'x'), 0)
  for (let at = 0; at < 100; at++) assert.equal(await wrong('127.0.0.1', `user${at}@a.example`, 'x'), 0)
})

test('of a burst of guesses sent at once only the first few are answered', async () => {
  const { throttle } = make()
  const admissions = await Promise.all(Array.from({ length: 200 }, () => throttle.admit(home, alice)))
  let answered = 0
  for (const [at, admission] of admissions.entries()) {
    try {
      throttle.checkStill(home, alice, admission)
    } catch {
      continue
    }
    answered++
    throttle.failed(home, alice, `guess ${at}`)
  }
  assert.ok(answered <= 8, `${answered} were told whether they were right`)
})
