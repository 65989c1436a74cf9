/** Input costs what it weighs: a parser on hostile shapes, up to twice its own limit. Steps are counted, not seconds. */
import { assertGrowsInLine } from '../support/growth.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Parser } from './parser.ts'

/** Where a square shows already, and still costs nothing: all shapes are looked at there before the large ones. */
const small = 2048
/** So many characters of each parser are run at its limit, in two to twelve shapes; the others in `.ci/long`. */
const largeBudget = 1_000_000
const shapesMin = 12

export function testGrowth(parsers: readonly Parser[]): void {
  for (const { name, shapes, sizeMax, run } of parsers) {
    test(`${name}: twice as much costs twice as much`, async () => {
      assert.ok(shapes.length >= shapesMin, `${shapes.length} shapes`)
      for (const { name: shape, make } of shapes)
        await assertGrowsInLine(`${name}, ${shape}`, Math.min(small, sizeMax), make, run)
      // Spread over all kinds of them.
      const largeShapes = Math.min(shapesMin, Math.max(2, Math.floor(largeBudget / (3 * sizeMax))))
      const every = Math.floor(shapes.length / largeShapes)
      for (let at = 0; at < largeShapes; at += 1) {
        const { name: shape, make } = shapes[at * every]!
        await assertGrowsInLine(`${name}, ${shape}`, sizeMax, make, run)
      }
    })
  }
}
