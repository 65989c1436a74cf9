/** A stop waits for sessions as long as there are any, and not longer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admissionDefaults } from '../../src/listen/admission.ts'
import { World } from './world.ts'

test('a stop is over when the last session has said goodbye, long before its time is', async () => {
  const world = new World()
  const shutdownGraceMs = 60_000
  const system = await world.start({
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example'],
    users: ['bob@a.example'],
    config: { limits: { ...admissionDefaults, shutdownGraceMs } },
  })
  await world.imap(system, 'bob@a.example', 'INBOX')
  await world.connect(system)
  const began = world.clock.now()
  assert.deepEqual(await world.clock.until(system.stop()), [])
  assert.ok(world.clock.now() - began < shutdownGraceMs / 10, `${world.clock.now() - began} ms`)
})
