import { domainDestination } from '../../mail/destination.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { defaultConfig } from '../../config/load.ts'
import { realClock } from '../../platform/real/clock.ts'
import { processTerminal } from '../../platform/real/terminal.ts'
import { arrival, message, nowMs } from '../../store/conformance/fixtures.ts'
import { lease, leaseOf, parameters } from '../../store/conformance/queue.ts'
import { openStore } from '../../store/sqlite/engine.ts'
import { printQueue } from './mailq.ts'

test('the queue as Postfix prints it: one entry a message, the last reply where there is one, a line a recipient', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-mailq-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  const ids: string[] = []
  for (const [reversePath, addresses] of [
    ['bob@example.org', ['x@far.test', 'y@far.test']],
    ['', ['z@far.test']],
  ] as const) {
    const recipients = addresses.map((address) => ({ address, destination: domainDestination('far.test'), parameters }))
    const queue = { reversePath, recipients, prefix: '', firstAttemptMs: nowMs, expiresAtMs: nowMs + 1000 }
    const operation = await arrival(store, message('out'), [], { queue })
    ids.push(operation.arrivalId)
    await store.commit([operation])
  }
  const { rows } = await lease(store, { limit: 2 })
  for (const row of rows)
    await store.commit([
      { kind: 'queueDefer', lease: leaseOf(row), nextAttemptMs: nowMs, reply: '451 later\u0007', nowMs },
    ])
  await store.close()
  let out = ''
  const terminal = { ...processTerminal(), out: (text: string) => void (out += text) }
  assert.equal(await printQueue({ ...defaultConfig(), data: folder }, terminal), 0)
  const shape = out.replace(/ {2,}/g, '  ').replace(/\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d/g, 'TIME')
  const size = message('out').length
  assert.equal(
    shape,
    '-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n' +
      `${ids[0]}  ${size} TIME  bob@example.org\n  (451 later·)\n  x@far.test\n  y@far.test\n\n` +
      `${ids[1]}  ${size} TIME  MAILER-DAEMON\n  z@far.test\n\n-- 1 Kbytes in 2 Requests.\n`,
  )
})
