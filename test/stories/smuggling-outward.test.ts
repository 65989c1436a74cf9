/** What we send on is one message whatever is in it: ends of data that only some servers believe in do not leave us. RFC 5321 §2.3.8. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { Peer } from './peer.ts'
import { World, type NextHop } from './world.ts'

const file = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors', 'smtp-smuggling', 'sequences.json')
/** Of our own, where there are no vectors. */
const known = ['\\n.\\n', '\\r.\\r', '\\r\\n.\\n', '\\n.\\r\\n', '\\r\\n\\0.\\r\\n', '\\r\\n.\\r\\r\\n']
const sequences = existsSync(file)
  ? (JSON.parse(readFileSync(file, 'utf8')) as { sequence: string }[]).map(({ sequence }) => sequence)
  : known

const home: NextHop = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['alice@a.example'],
}

function unescape(text: string): string {
  return text.replaceAll('\\r', '\r').replaceAll('\\n', '\n').replaceAll('\\0', '\0')
}

async function offer(world: World, client: SmtpClient, body: '7bit' | 'binarymime', content: string): Promise<number> {
  const bytes = Buffer.from(content, 'latin1')
  const { recipients } = await world.clock.until(
    client
      .send(
        { reversePath: 'alice@a.example', recipients: ['bob@a.example'], body, smtpUtf8: false },
        { sizeBytes: bytes.length, read: (start, end) => bytes.subarray(start, end) },
      )
      .catch(() => ({ recipients: [{ code: 554 }] })),
  )
  return recipients[0]!.code
}

for (const keywords of [[], ['PIPELINING', '8BITMIME']]) {
  test(`to a host with ${keywords.join(', ') || 'nothing'}: ${sequences.length} sequences`, async () => {
    const world = new World()
    const system = await world.start(home)
    const peer = await Peer.start(world, {
      address: '10.0.0.9',
      hostname: 'mx.b.example',
      domains: ['b.example'],
      keywords,
    })
    await system.store.commit([{ kind: 'aliasSet', address: 'bob@a.example', targets: ['bob@b.example'] }])
    let taken = 0
    for (const sequence of sequences) {
      const evil = `MAIL FROM:<evil@a.example>\r\nRCPT TO:<victim@b.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n`
      const content = `Subject: first\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\na${unescape(sequence)}${evil}`
      for (const body of ['7bit', 'binarymime'] as const) {
        const client = await world.connect(system)
        // By BDAT the bytes come in as they are; our own host would not let them in by DATA.
        if ((await offer(world, client, body, content)) === 250) taken++
        await world.clock.until(client.quit().catch(() => {}))
      }
    }
    assert.ok(taken >= sequences.length, 'what is binary is taken')
    await world.clock.pass(60_000)
    assert.equal(peer.taken.length, taken, 'each is one message')
    for (const { recipients, data } of peer.taken) {
      assert.deepEqual(recipients, ['bob@b.example'])
      assert.doesNotMatch(data, /\r(?!\n)|(?<!\r)\n/, 'no bare CR or LF leaves us')
    }
    await world.stop()
  })
}
