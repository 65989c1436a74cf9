import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectControl, listenControl } from './control-socket.ts'

test('a server that does not answer is waited for so long, and no longer; others are not cut between their questions', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'control-'))
  const never = new Promise<string>(() => {})
  const listener = await listenControl(folder, (line) => (line === 'hang' ? never : Promise.resolve(`to ${line}`)))
  t.after(async () => {
    await listener.close()
    rmSync(folder, { recursive: true })
  })
  const limitMs = 300
  const connection = (await connectControl(folder, limitMs))!
  assert.equal(await connection.ask('a'), 'to a')
  await new Promise((later) => setTimeout(later, 3 * limitMs))
  assert.equal(await connection.ask('b'), 'to b')
  await assert.rejects(connection.ask('hang'), /has not answered for 0 seconds: it may still be at work/)
  await assert.rejects(connection.ask('c'), /has not answered/)
  connection.close()
})

test('without a listener there is no connection', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'control-'))
  t.after(() => rmSync(folder, { recursive: true }))
  assert.equal(await connectControl(folder), undefined)
})
