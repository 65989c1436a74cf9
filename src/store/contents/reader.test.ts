import assert from 'node:assert/strict'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DiskContents, readRuns, type ContentFiles, type ContentSource } from './reader.ts'

test('files of contents are kept open for the next read, not too many of them, and closed when they are forgotten: no descriptor is left', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-reader-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'segments'))
  const count = 70
  for (let segment = 1; segment <= count; segment++)
    writeFileSync(join(folder, 'segments', `${String(segment).padStart(8, '0')}.seg`), `segment ${segment}`)
  const source = (segment: number) => ({ segment, position: 0, file: null, sizeBytes: 7 })
  /** The lowest descriptor that is free: systems give that. */
  const free = (): number => {
    const fd = openSync(folder, 'r')
    closeSync(fd)
    return fd
  }
  const before = free()
  const contents = new DiskContents(folder)
  for (const read of [
    async (segment: number) => contents.read(source(segment), 0, 7),
    async (segment: number) => contents.readSync(source(segment), 0, 7),
  ]) {
    assert.equal(Buffer.from(await read(1)).toString(), 'segment')
    assert.notEqual(free(), before, 'it stays open for the next')
    contents.forget(1)
    assert.equal(free(), before)
    for (let segment = 1; segment <= count; segment++) await read(segment)
    // 64 are kept: those before them were closed for them.
    for (let segment = count - 63; segment <= count; segment++) contents.forget(segment)
    assert.equal(free(), before)
  }
  await contents.read(source(2), 0, 7)
  contents.close()
  assert.equal(free(), before)
  // One that is forgotten while it is read is closed behind the read.
  const reading = contents.read(source(3), 0, 7)
  contents.forget(3)
  assert.equal(Buffer.from(await reading).toString(), 'segment')
  assert.equal(free(), before)
  await assert.rejects(contents.read({ ...source(4), sizeBytes: 100 }, 0, 100), /content ends early/)
  contents.forget(4)
  assert.equal(free(), before)
})

test('contents that lie near each other come in one read, those of other segments and far ones in their own; each has its bytes', async () => {
  const reads: string[] = []
  const files = {
    async read(source: ContentSource, start: number, end: number) {
      reads.push(`${source.segment}: ${source.position + start}-${source.position + end}`)
      // Each byte tells its segment and place.
      return Uint8Array.from(
        { length: end - start },
        (_, i) => (source.segment * 100 + source.position + start + i) & 255,
      )
    },
  } as unknown as ContentFiles
  const at = (segment: number, position: number): ContentSource => ({ segment, position, file: null, sizeBytes: 10 })
  const far = 10_000_000
  const sources = [at(1, 0), at(2, 15), at(1, 20), at(1, far), at(2, 30), { ...at(1, 5), file: 'x' }]
  const found = await readRuns(files, sources)
  assert.deepEqual(reads, ['1: 0-30', `1: ${far}-${far + 10}`, '2: 15-40'])
  for (const [i, { segment, position, file }] of sources.entries()) {
    if (file !== null) assert.equal(found[i], undefined)
    else
      assert.deepEqual(
        [...(found[i] as Uint8Array)],
        Array.from({ length: 10 }, (_, n) => (segment * 100 + position + n) & 255),
      )
  }
})
