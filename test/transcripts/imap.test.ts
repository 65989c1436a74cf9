/** The IMAP transcripts on the backend in memory and on the real store. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../../src/protocol/imap/commands.ts'
import { MemoryBackend } from '../../src/protocol/imap/memory/backend.ts'
import { imapHost, user } from './imap-host.ts'
import { runTranscript } from './run.ts'
import { stillClock } from './smtp-host.ts'
import { silentLog } from '../../src/base/log.ts'
import { StoreImapBackend } from '../../src/access/imap/backend.ts'
import { firstMailboxes } from '../../src/admin/provision.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'

const folder = join(process.env.PENNYPOST_ROOT!, 'test', 'transcripts', 'imap')
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))

function inMemory() {
  const backend = new MemoryBackend({ now: () => Date.UTC(2024, 0, 15, 12) })
  backend.addUser(user.name, user.password)
  return imapHost({ backend, authenticator: backend, user: { accountId: 1, name: user.name } })
}

/** @param quotaBytes 0: anything fits. */
async function onStore(quotaBytes = 0) {
  const clock = { ...stillClock, now: () => Date.UTC(2024, 0, 15, 12) }
  const store = await openStore({ folder: ':memory:', clock, log: silentLog })
  const [, { id }] = await store.commit([
    { kind: 'domainAdd', name: 'example.org' },
    { kind: 'accountAdd', name: user.name, quotaBytes, mailboxes: firstMailboxes, nowMs: clock.now() },
  ])
  // A new account is subscribed to its first mailboxes; the dialogues begin without.
  await store.commit(firstMailboxes.map(({ name }) => ({ kind: 'subscribe' as const, account: id, name, on: false })))
  const who = { accountId: id, name: user.name }
  return imapHost({
    backend: new StoreImapBackend({ store, clock, messageBytesMax: () => 64 * 1024 * 1024 }),
    authenticator: {
      verifyPassword: async (name, password) => (name === user.name && password === user.password ? who : null),
    },
    user: who,
    close: () => void store.close(),
  })
}

/** `{x*500}` stands for five hundred of them. */
function read(name: string): string {
  return readFileSync(join(folder, name), 'utf8').replace(/\{(.)\*(\d+)\}/g, (_, char: string, count: string) =>
    char.repeat(Number(count)),
  )
}

/** Only where a literal came without the line end behind it is it acknowledged by itself. */
function withoutReceipts(said: ReadonlyMap<number, string>): Map<number, string> {
  return new Map([...said].map(([number, text]) => [number, text.replaceAll('* OK Literal received\r\n', '')]))
}

for (const name of files) {
  const text = read(name)
  const title = /^# (.*)/.exec(text)?.[1] ?? ''
  for (const [kind, host] of Object.entries({ inMemory, onStore: () => onStore() })) {
    test(`${name} ${kind}: ${title}`, async () => {
      const said = withoutReceipts(await runTranscript(text, await host(), 0))
      for (const cuts of [1, 2, 3, 4, 5, 6])
        assert.deepEqual(
          withoutReceipts(await runTranscript(text, await host(), cuts)),
          said,
          `cut ${cuts} changes what the server says`,
        )
    })
  }
}

test('APPEND beyond the quota is NO before the continuation, and a literal that came unasked is swallowed', async () => {
  const text = [
    '! login',
    'C: a1 APPEND INBOX {1001}',
    'S: a1 NO [OVERQUOTA] *',
    'C: a2 APPEND INBOX {1001+}',
    `C: ${'x'.repeat(1001)}`,
    'S: a2 NO [OVERQUOTA] *',
    // What fits is asked for.
    'C: a3 APPEND INBOX {1000}',
    'S: + OK',
    `C: ${'x'.repeat(1000)}`,
    'S: a3 OK *',
    'C: a4 APPEND INBOX {1}',
    'S: a4 NO [OVERQUOTA] *',
    'C: a5 STATUS INBOX (MESSAGES)',
    'S: * STATUS INBOX (MESSAGES 1)',
    'S: a5 OK *',
  ].join('\n')
  for (const cuts of [0, 2, 3]) await runTranscript(text, await onStore(1000), cuts)
})

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
