import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { realFiles } from '../platform/real/files.ts'
import { memoryFiles } from '../platform/simulated/files.ts'
import { dayName } from './trace.ts'
import { TraceFollower } from './trace-follow.ts'

const start = Date.UTC(2026, 0, 31, 23, 59)
const line = (id: string, more = ''): string =>
  `${JSON.stringify({ id, at: '2026-01-31T23:59:00.000Z', event: 'missing', member: `${more}@a.example` })}\n`
const ids = async (follower: TraceFollower): Promise<string[]> => (await follower.next()).map(({ id }) => id)

test('only new lines that match are shown, cut anywhere, over midnight', async () => {
  let nowMs = start
  const files = memoryFiles()
  const append = (text: string): Promise<void> => files.append(`trace/${dayName(nowMs)}`, Buffer.from(text))
  const follow = (text?: string) => new TraceFollower({ files, folder: 'trace', clock: { now: () => nowMs } }, text)
  const all = follow()
  await all.start()
  assert.deepEqual(await ids(all), [], 'there is no file yet')
  await append(line('a1', 'bob'))
  const later = follow('bob@a.example')
  await later.start()
  assert.deepEqual(await ids(all), ['a1'])
  assert.deepEqual(await ids(all), [])
  const next = line('a2', 'bob')
  await append(next.slice(0, 20))
  assert.deepEqual(await ids(all), [], 'half a line is none')
  await append(`${next.slice(20)}${line('a3', 'xbob')}not JSON bob@a.example\n`)
  assert.deepEqual(await ids(all), ['a2', 'a3'])
  assert.deepEqual(await ids(later), ['a2'])
  await append(line('a4', 'bob'))
  nowMs += 120_000
  await append(line('b1', 'bob'))
  assert.deepEqual(await ids(later), ['a4'], 'the rest of the day comes first')
  assert.deepEqual(await ids(later), ['b1'])
  assert.deepEqual(await ids(all), ['a4'])
  assert.deepEqual(await ids(all), ['b1'])
})

test('a line without end does not block later lines', async () => {
  const files = memoryFiles()
  const follower = new TraceFollower({ files, folder: 'j', clock: { now: () => start } }, undefined)
  await follower.start()
  await files.append(`j/${dayName(start)}`, Buffer.from(`${'x'.repeat(3 * 1024 * 1024)}\n${line('a1')}`))
  const found: string[] = []
  for (let i = 0; i < 6; i++) found.push(...(await ids(follower)))
  assert.deepEqual(found, ['a1'])
})

test('parts of a real file', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'parts-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'f')
  assert.equal(await realFiles.readPart(path, 0, 10), undefined)
  await writeFile(path, 'hello')
  await appendFile(path, ' world')
  const part = async (from: number, max: number): Promise<string> =>
    Buffer.from((await realFiles.readPart(path, from, max))!).toString()
  assert.deepEqual(
    [await part(0, 5), await part(6, 100), await part(11, 5), await part(50, 5)],
    ['hello', 'world', '', ''],
  )
})
