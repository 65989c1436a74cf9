/** The IMAP transcripts on the backend in memory. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../../src/protocol/imap/commands.ts'
import { MemoryBackend } from '../../src/protocol/imap/memory/backend.ts'
import { imapHost, user } from './imap-host.ts'
import { runTranscript } from './run.ts'

const folder = join(process.env.PENNYPOST_ROOT!, 'test', 'transcripts', 'imap')
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))

function inMemory() {
  const backend = new MemoryBackend({ now: () => Date.UTC(2024, 0, 15, 12) })
  backend.addUser(user.name, user.password)
  return imapHost({ backend, authenticator: backend, user: { accountId: 1, name: user.name } })
}

for (const name of files) {
  const text = readFileSync(join(folder, name), 'utf8')
  const title = /^# (.*)/.exec(text)?.[1] ?? ''
  test(`${name}: ${title}`, async () => {
    const said = await runTranscript(text, inMemory(), 0)
    for (const cuts of [1, 2, 3, 4, 5, 6])
      assert.deepEqual(await runTranscript(text, inMemory(), cuts), said, `cut ${cuts} changes what the server says`)
  })
}

test('each row of the command table occurs in a transcript, its UID form as well', () => {
  const spoken = new Set<string>()
  for (const name of files)
    for (const [, uid, verb] of readFileSync(join(folder, name), 'utf8').matchAll(/^C\d*: \S+ (UID )?([A-Z]+)/gim))
      spoken.add(`${uid?.toUpperCase() ?? ''}${verb!.toUpperCase()}`)
  for (const { name, uid } of commands) {
    assert.ok(spoken.has(name), `no transcript says ${name}`)
    if (uid) assert.ok(spoken.has(`UID ${name}`), `no transcript says UID ${name}`)
  }
})
