import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { duration, size, ValueFault } from './kinds.ts'

test('sizes and times come back as they were written', () => {
  for (const kind of [size, duration]) {
    fc.assert(
      fc.property(fc.nat({ max: 0x7fff_ffff }), (value) => {
        assert.equal(kind.read(parse(`v = ${kind.format(value)}`)['v']), value)
      }),
    )
  }
  assert.equal(size.read('1.5 kb'), 1536)
  assert.equal(duration.read('1.5h'), 5_400_000)
  assert.throws(() => size.read('-1'), ValueFault)
  assert.throws(() => size.read(-1), ValueFault)
})
