/** Postfix in the middle: our queue brings it mail by BDAT or DATA, and it brings that to our LMTP, telling by XFORWARD where it came from. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import { startReal } from '../stories/real.ts'
import { bytesOfText, messagesIn } from '../stories/world.ts'
import { startPostfix } from './postfix.ts'
import { withFolder, without } from './programs.ts'

const skip = without('postfix') || (process.getuid?.() === 0 ? false : 'its master needs root')
const bob = 'bob@b.example'

const bodies = [
  'Hello\r\n',
  '.\r\n..\r\n.dots\r\n\r\n.\r\n',
  'Gr\u00fc\u00dfe\r\n',
  // Several pieces of BDAT, the last one not whole.
  `${'0123456789abcdef'.repeat(4)}\r\n`.repeat(50_000),
]

for (const [name, discarded] of [
  ['by BDAT', 'silent-discard'],
  ['by DATA', 'chunking, silent-discard'],
  ['without pipelining', 'chunking, pipelining, silent-discard'],
  ['by BDAT without pipelining', 'pipelining, silent-discard'],
] as const)
  test(`to Postfix ${name}, and by LMTP back`, { skip }, async () => {
    await withFolder(async (folder) => {
      // Postfix changes its user, who has to get through.
      chmodSync(folder, 0o711)
      mkdirSync(join(folder, 'postfix'))
      const data = join(folder, 'b')
      const b = await startReal({ users: [bob], data, smtp: { xclientFrom: [parseIpNetwork('127.0.0.1')!] } })
      const postfix = await startPostfix(join(folder, 'postfix'), {
        relay_domains: 'b.example',
        relay_transport: `lmtp:inet:127.0.0.1:${b.port('lmtp')}`,
        lmtp_send_xforward_command: 'yes',
        message_size_limit: '52428800',
        smtpd_discard_ehlo_keywords: discarded,
      })
      const hosts = [{ host: '127.0.0.1', port: postfix.port }]
      const a = await startReal({
        users: [],
        domains: ['a.example'],
        routes: [{ domain: 'b.example', hosts, tls: 'none' }],
      })
      try {
        await a.system.store.commit([{ kind: 'aliasSet', address: 'bob@a.example', targets: [bob] }])
        const client = await a.smtp('smtp')
        for (const body of bodies) {
          const envelope = {
            reversePath: 'x@a.example',
            recipients: ['bob@a.example'],
            body: '8bitmime' as const,
            smtpUtf8: false,
          }
          await client.send(envelope, bytesOfText(`Subject: through\r\n\r\n${body}`))
        }
        await client.quit()
        for (let waits = 0; waits < 600 && (await messagesIn(b.system, bob)).length < bodies.length; waits++)
          await sleep(50)
        const arrived = (await messagesIn(b.system, bob)).map((message) =>
          message.slice(message.indexOf('\r\n\r\n') + 4),
        )
        assert.deepEqual(arrived.sort(), bodies.map((body) => Buffer.from(body).toString('latin1')).sort())
      } finally {
        await a.stop()
        await postfix.stop()
        await b.stop()
      }
      const lines = readdirSync(join(data, 'trace')).flatMap((day) =>
        readFileSync(join(data, 'trace', day), 'utf8').split('\n'),
      )
      const origins = lines
        .flatMap((line) =>
          line.includes('"arrived"') ? [JSON.parse(line) as { origin?: Record<string, string> }] : [],
        )
        .map(({ origin }) => origin)
      assert.equal(origins.length, bodies.length)
      for (const origin of origins) {
        const { addr, proto, helo, source } = origin!
        assert.deepEqual([addr, proto, helo, source], ['127.0.0.1', 'ESMTP', 'localhost', 'LOCAL'])
        assert.match(origin!['ident']!, /^[0-9A-Za-z]{6,20}$/)
      }
    })
  })
