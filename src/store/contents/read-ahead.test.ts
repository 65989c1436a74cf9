import fc from 'fast-check'
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { segmentName } from './log.ts'
import { ReadAhead } from './read-ahead.ts'
import { DiskContents, type ContentSource } from './reader.ts'

const sizes = [200_000, 70_000]
const segments = sizes.map((size, n) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + n) % 251)))

/** Counts what is asked of the disk. */
class Counted extends DiskContents {
  reads = 0
  failsBeyond = Infinity

  override readAheadSync(source: ContentSource, start: number, end: number, ahead: number): Uint8Array {
    this.reads++
    if (source.position + end + ahead > this.failsBeyond) throw new Error('EIO')
    return super.readAheadSync(source, start, end, ahead)
  }
}

function contents(t: TestContext): Counted {
  const folder = mkdtempSync(join(tmpdir(), 'read-ahead-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'segments'))
  for (const [n, bytes] of segments.entries()) writeFileSync(join(folder, 'segments', segmentName(n)), bytes)
  const files = new Counted(folder)
  t.after(() => files.close())
  return files
}

const place = (segment: number, position: number, sizeBytes: number): ContentSource => ({
  segment,
  position,
  sizeBytes,
  file: null,
})

test('what is read along is what a plain read gives, in any order', (t) => {
  const files = contents(t)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(1), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20_000), fc.boolean())),
      (reads) => {
        const ahead = new ReadAhead(files)
        let next = 0
        for (const [segment, share, wanted, goesOn] of reads) {
          const size = sizes[segment]!
          const position = goesOn && next < size ? next : Math.floor(share * (size - 1))
          const length = Math.min(wanted, size - position)
          next = position + length + 100
          assert.deepEqual(
            Buffer.from(ahead.readSync(place(segment, position, length), 0, length)),
            segments[segment]!.subarray(position, position + length),
          )
        }
      },
    ),
  )
})

test('one behind the other come in few reads, far apart each in its own', (t) => {
  const files = contents(t)
  const inOrder = new ReadAhead(files)
  for (let at = 0; at + 1000 <= 200_000; at += 1040) inOrder.readSync(place(0, at, 1000), 0, 1000)
  assert.ok(files.reads < 10, `${files.reads} reads`)
  files.reads = 0
  const apart = new ReadAhead(files)
  for (let at = 0; at + 1000 <= 200_000; at += 40_000)
    assert.equal(apart.readSync(place(0, at, 1000), 0, 1000).length, 1000)
  assert.equal(files.reads, 5)
})

test('a place that cannot be read does not take those before it along', (t) => {
  const files = contents(t)
  files.failsBeyond = 20_000
  const ahead = new ReadAhead(files)
  for (let at = 0; at + 1000 <= 20_000; at += 1000)
    assert.deepEqual(Buffer.from(ahead.readSync(place(0, at, 1000), 0, 1000)), segments[0]!.subarray(at, at + 1000))
  assert.throws(() => ahead.readSync(place(0, 20_000, 1000), 0, 1000), /EIO/)
  // Past it all goes on.
  files.failsBeyond = Infinity
  assert.equal(ahead.readSync(place(0, 30_000, 1000), 0, 1000).length, 1000)
})
