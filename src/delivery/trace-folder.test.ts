import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../base/log.ts'
import { memoryFiles } from '../platform/simulated/files.ts'
import { findTraceFolder, openTraceFolder } from './trace-folder.ts'

function notes() {
  const events: string[] = []
  const note = (event: string): void => void events.push(event)
  return { events, log: { ...silentLog, info: note, warn: note } }
}

async function textOf(files: ReturnType<typeof memoryFiles>, path: string): Promise<string | undefined> {
  const bytes = await files.read(path)
  return bytes && Buffer.from(bytes).toString()
}

test('a folder of an earlier version is read where it is, and is renamed by a server, which tells it once', async () => {
  const files = memoryFiles()
  await files.append('data/journey/2026-02-01.jsonl', Buffer.from('one\n'))
  assert.equal(await findTraceFolder(files, 'data'), 'data/journey')
  const { events, log } = notes()
  assert.equal(await openTraceFolder(files, 'data', log), 'data/trace')
  assert.equal(await textOf(files, 'data/trace/2026-02-01.jsonl'), 'one\n')
  assert.deepEqual(await files.list('data/journey'), [])
  assert.equal(await findTraceFolder(files, 'data'), 'data/trace')
  assert.equal(await openTraceFolder(files, 'data', log), 'data/trace')
  assert.deepEqual(events, ['trace folder renamed'])
})

test('a new data folder has the new name, and nothing is told', async () => {
  const { events, log } = notes()
  assert.equal(await findTraceFolder(memoryFiles(), 'data'), 'data/trace')
  assert.equal(await openTraceFolder(memoryFiles(), 'data', log), 'data/trace')
  assert.deepEqual(events, [])
})

test('after an earlier version has run again, its lines join those that were there', async () => {
  const files = memoryFiles()
  await files.append('data/trace/2026-02-01.jsonl', Buffer.from('one\n'))
  await files.append('data/journey/2026-02-01.jsonl', Buffer.from('two\n'))
  await files.append('data/journey/2026-02-02.jsonl', Buffer.from('three\n'))
  assert.equal(await openTraceFolder(files, 'data', silentLog), 'data/trace')
  assert.equal(await textOf(files, 'data/trace/2026-02-01.jsonl'), 'one\ntwo\n')
  assert.equal(await textOf(files, 'data/trace/2026-02-02.jsonl'), 'three\n')
  assert.deepEqual(await files.list('data/journey'), [])
})

test('a folder that cannot be renamed, such as a mount point, is used under its old name, with a warning', async () => {
  const files = memoryFiles()
  await files.append('data/journey/2026-02-01.jsonl', Buffer.from('one\n'))
  const busy = { ...files, rename: () => Promise.reject(new Error('EBUSY')) }
  const { events, log } = notes()
  assert.equal(await openTraceFolder(busy, 'data', log), 'data/journey')
  assert.equal(await findTraceFolder(busy, 'data'), 'data/journey')
  assert.deepEqual(events, ['trace folder could not be renamed'])
})
