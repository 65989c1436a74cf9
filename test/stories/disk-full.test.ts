/** A disk without room, as SMTP and IMAP clients hear of it. The real disk is filled in test/crash/disk-full.crash.ts. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { Refusal } from '../../src/mail/status.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { realRandom } from '../../src/platform/real/random.ts'
import { ImapRefusal } from '../../src/protocol/imap/backend.ts'
import { StoreImapBackend } from '../../src/access/imap/backend.ts'
import { addAccount, message } from '../../src/store/conformance/fixtures.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { silentTrace } from '../../src/delivery/trace.ts'
import { transferDefaults } from '../../src/transport/options.ts'
import { StoreDirectory } from '../../src/directory/store-directory.ts'
import { FairOrder } from '../../src/delivery/fair-order.ts'
import { Receiver } from '../../src/delivery/receiver.ts'
import { openChecks } from '../../src/system/checks.ts'

test('without room SMTP says 452 4.3.1 and APPEND says NO, and both go on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-room-'))
  const clock = realClock
  const store = await openStore({ folder, clock, log: silentLog, spareBytes: 2 ** 60 })
  const bob = await addAccount(store, 'bob@example.org')
  const authenticator = { verifyPassword: async () => null }
  const addresses = new StoreDirectory(store.read, clock)
  const options = { now: transferDefaults }
  const receiver = new Receiver({
    store,
    addresses,
    checks: openChecks({ store, addresses, options, clock, log: silentLog }),
    clock,
    fairOrder: new FairOrder(),
    random: realRandom,
    options,
    authenticator,
    trace: silentTrace,
    log: silentLog,
  })
  const peer = { address: '127.0.0.1', port: 1, localAddress: '127.0.0.1', localPort: 25 }
  const client = {
    connectionId: '1',
    service: 'smtp',
    peer,
    tls: null,
    helo: 'x',
    withProtocol: 'ESMTP',
    user: null,
    trusted: false,
  } as const
  for (let i = 0; i < 2; i++) {
    const transaction = await receiver.mail(client, null, { body: '7bit', smtpUtf8: false })
    await transaction.recipient({ localPart: 'bob', domain: 'example.org' }, {})
    transaction.data().write(message('m'))
    await assert.rejects(transaction.finish(), (error) => error instanceof Refusal && error.status.code === 452)
  }
  const account = await new StoreImapBackend({ store, clock, messageBytesMax: () => 1e6 }).open({
    accountId: bob.id,
    name: 'bob@example.org',
  })
  const sink = account.appendSink()
  sink.write(message('m'))
  const content = await sink.finish()
  await assert.rejects(
    account.append('INBOX', [{ content, flags: [] }]),
    (error) => error instanceof ImapRefusal && error.code === 'UNAVAILABLE',
  )
  // What needs no room still works.
  await account.create('New')
  assert.equal((await store.read.mailbox(bob.inbox))!.messages, 0)
  await store.close()
  rmSync(folder, { recursive: true })
})
