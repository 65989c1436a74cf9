/**
 * What counting cannot see: patterns that go back, strings that are copied to be looked at, native searches that begin anew. Every
 * shape of every parser by the processor's time, at its limit and at twice that.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsers } from '../growth/parsers.ts'

/** Less is noise, and what collecting garbage costs: squares take minutes at these sizes. */
const worthMs = (size: number): number => 60 + size * 0.001
/** From a size to the next: a square would take 64 times as long, and garbage collection doubles a time now and then. */
const step = 8
const factorMax = 20

async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

for (const { name, shapes, sizeMax, run } of parsers) {
  test(`${name}: eight times as much takes eight times as long`, async () => {
    for (const { name: shape, make } of shapes) {
      // From below: a square must not get to run on the largest at once.
      const sizes = [2 * sizeMax]
      while (sizes[0]! > 16_384) sizes.unshift(Math.floor(sizes[0]! / step))
      let before = Infinity
      for (const size of sizes) {
        const text = make(size)
        let ms = await cpuMs(() => run(text))
        // Whatever else runs can only add: a second look at what seems too long.
        if (ms > worthMs(size) && ms > factorMax * before) ms = Math.min(ms, await cpuMs(() => run(text)))
        assert.ok(
          ms <= worthMs(size) || ms <= factorMax * before,
          `${name}, ${shape}: ${size} takes ${ms} ms, an eighth ${before}`,
        )
        // What a first run compiles is no part of it.
        before = Math.max(1, Math.min(ms, await cpuMs(() => run(text))))
      }
    }
  })
}
