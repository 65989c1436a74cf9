import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from './clock.ts'
import { Wheel } from './wheel.ts'

/** Time by hand; `waiting` holds the timers that were neither cancelled nor run. */
function handClock() {
  let nowMs = 0
  const waiting = new Set<{ readonly atMs: number; readonly run: () => void }>()
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, run) {
      const one = { atMs: nowMs + delayMs, run }
      waiting.add(one)
      return { cancel: () => void waiting.delete(one) }
    },
    soon: (run) => run(),
  }
  const pass = (ms: number): void => {
    for (const until = nowMs + ms; nowMs < until; nowMs += 100)
      for (const one of [...waiting])
        if (one.atMs <= nowMs) {
          waiting.delete(one)
          one.run()
        }
  }
  return { clock, waiting, pass, suspend: (ms: number) => void (nowMs += ms) }
}

test('a deadline expires once, about a second late; a touch puts it off; a removed one never does', () => {
  const { clock, pass } = handClock()
  const wheel = new Wheel(clock)
  const expired: string[] = []
  wheel.add(3000, () => expired.push('a'))
  const touched = wheel.add(3000, () => expired.push('b'))
  wheel.remove(wheel.add(3000, () => expired.push('c')))
  pass(2900)
  touched.atMs = 20_000
  assert.deepEqual(expired, [])
  pass(2100)
  assert.deepEqual(expired, ['a'])
  pass(20_000)
  assert.deepEqual(expired, ['a', 'b'])
})

test('with the last deadline gone no timer is left, so a command ends when its work does', () => {
  const { clock, waiting, pass } = handClock()
  const wheel = new Wheel(clock)
  const one = wheel.add(5000, () => assert.fail())
  const two = wheel.add(Infinity, () => assert.fail())
  wheel.remove(one)
  assert.equal(waiting.size, 1)
  wheel.remove(two)
  assert.equal(waiting.size, 0)
  let expired = 0
  wheel.add(1000, () => expired++)
  pass(3000)
  assert.deepEqual([expired, waiting.size], [1, 0])
})

test('what expires may add a deadline: one timer goes on, and the others of a long sleep are not passed over', () => {
  const { clock, waiting, pass, suspend } = handClock()
  const wheel = new Wheel(clock)
  const expired: number[] = []
  for (const ms of [1000, 2000, 3000, 4000])
    wheel.add(ms, () => {
      expired.push(ms)
      wheel.add(Infinity, () => {})
    })
  suspend(6000)
  pass(200)
  assert.deepEqual(expired, [1000, 2000, 3000, 4000])
  assert.equal(waiting.size, 1)
  pass(5000)
  assert.equal(waiting.size, 1)
})
