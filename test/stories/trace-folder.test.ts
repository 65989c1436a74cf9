/** Traces that a version up to 0.4 wrote into `journey/`: shown without a server, by the server, and after a restore. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { pennypost, removeFolder, serve, temporaryFolder, type Server } from './program.ts'

/** As version 0.1 wrote it. */
const line =
  '{"id":"1k8mv08g3gddfj46w3q","at":"2026-11-30T19:30:41.795Z","event":"arrived","connection":"4","service":"smtp","peer":"127.0.0.1","port":57926,' +
  '"helo":"client.test","with":"ESMTP","from":"eve@there.test","recipients":["a@old.test"],"sizeBytes":471,"messageId":"3@load.test",' +
  '"plans":["a@old.test: filed in mailbox 1"],"replies":["250 2.0.0 Ok, taken as 1k8mv08g3gddfj46w3q"]}\n'
const day = '2026-11-30.jsonl'

interface OldFolder {
  readonly folder: string
  readonly data: string
  readonly at: readonly string[]
  start(): Promise<Server>
}

async function oldFolder(t: TestContext): Promise<OldFolder> {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  await (await openStore({ folder: data, clock: realClock, log: silentLog })).close()
  mkdirSync(join(data, 'journey'))
  writeFileSync(join(data, 'journey', day), line)
  const file = join(folder, 'pennypost.toml')
  writeFileSync(
    file,
    `data = ${JSON.stringify(data)}\ndomains = []\n[[listener]]\nservice = "smtp"\naddress = "127.0.0.1:0"\n`,
  )
  let server: Server | undefined
  t.after(async () => {
    server?.signal('SIGTERM')
    await server?.ended
    removeFolder(folder)
  })
  return { folder, data, at: ['--config', file], start: async () => (server = await serve(['--config', file], 1)) }
}

async function shown(at: readonly string[], question = '3@load.test'): Promise<void> {
  const [told] = JSON.parse((await pennypost(['trace', question, '--json', ...at])).out) as {
    trace: { event: string; from: string }[]
    journey: unknown
  }[]
  assert.deepEqual(
    told!.trace.map(({ event, from }) => `${event} ${from}`),
    ['arrived eve@there.test'],
  )
  // Its name up to version 0.4.
  assert.deepEqual(told!.journey, told!.trace)
}

const renames = (server: Server): number =>
  server.events().filter(({ event }) => event === 'trace folder renamed').length

test('an old folder is read where it is; a server renames it, once, and it is still read', async (t) => {
  const { data, at, start } = await oldFolder(t)
  await shown(at)
  assert.deepEqual(readdirSync(join(data, 'journey')), [day], 'a command that only reads renames nothing')
  const first = await start()
  assert.equal(renames(first), 1)
  assert.ok(!existsSync(join(data, 'journey')))
  assert.ok(readdirSync(join(data, 'trace')).includes(day))
  await shown(at)
  // As the help writes a Message-ID.
  await shown(at, '<3@load.test>')
  first.signal('SIGTERM')
  await first.ended
  assert.equal(renames(await start()), 0)
})

test('a backup that has the old folder is restored, and a server renames that too', async (t) => {
  const { folder, data, at, start } = await oldFolder(t)
  const store = await openStore({ folder: data, clock: realClock, log: silentLog })
  const backup = join(folder, 'backup')
  await store.backup(backup, { also: ['journey'] })
  await store.close()
  const restored = await pennypost(['restore', backup, '--force', ...at])
  assert.equal(restored.status, 0, restored.err)
  assert.deepEqual(readdirSync(join(data, 'journey')), [day])
  await shown(at)
  assert.equal(renames(await start()), 1)
  await shown(at)
})
