/** nginx as a mail proxy: it asks a small web server who may come in, names the client to SMTP by XCLIENT and to IMAP by a PROXY header. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import { dialogue } from '../stories/dialogue.ts'
import { password, startReal, type RealOptions, type RealSystem } from '../stories/real.ts'
import { messagesIn } from '../stories/world.ts'
import { freePort } from '../support/free-port.ts'
import { cameFrom, clientAddress, dial, startFront } from './fronts.ts'
import { alice, bob, withFolder, without } from './programs.ts'

/** libnginx-mod-mail puts it there. */
const module = '/usr/lib/nginx/modules/ngx_mail_module.so'
const skip =
  without('nginx') || (process.env.CI !== 'true' && !existsSync(module) && 'libnginx-mod-mail is not installed')
const here = [parseIpNetwork('127.0.0.1')!]

type Server = 'smtp' | 'submission' | 'imap'

interface Fronted {
  readonly real: RealSystem
  /** What nginx asked about its clients. */
  readonly asked: readonly Readonly<Record<string, string>>[]
  readonly events: readonly string[]
  readonly ports: Readonly<Record<Server, number>>
}

const said = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(?:auth|client)-/.test(name))) as Record<
    string,
    string
  >

async function behindNginx(options: Partial<RealOptions>, work: (fronted: Fronted) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const events: string[] = []
    const note = (event: string, facts = {}): void => void events.push(`${event} ${JSON.stringify(facts)}`)
    const log = { debug() {}, info: note, warn: note, error: note }
    const real = await startReal({ users: [alice, bob], log, ...options })
    const asked: Record<string, string>[] = []
    const rules = createServer((request, response) => {
      const question = said(request)
      asked.push(question)
      const service: Server =
        question['auth-protocol'] === 'imap' ? 'imap' : question['auth-method'] === 'none' ? 'smtp' : 'submission'
      // nginx sends both as they are in a URL.
      const word = decodeURIComponent(question['auth-pass'] ?? '')
      const good = service === 'smtp' || word === password || (service === 'imap' && word === 'let us see')
      response.writeHead(200, {
        'Auth-Status': good ? 'OK' : 'Invalid login or password',
        'Auth-Server': '127.0.0.1',
        'Auth-Port': String(real.port(service)),
        'Auth-Wait': '1',
      })
      response.end()
    })
    await new Promise<void>((resolve) => rules.listen(0, '127.0.0.1', resolve))
    try {
      const ports = { smtp: await freePort(), submission: await freePort(), imap: await freePort() }
      const file = join(folder, 'nginx.conf')
      writeFileSync(
        file,
        `load_module ${module};
daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log stderr warn;
events { worker_connections 64; }
mail {
  server_name front.example;
  auth_http 127.0.0.1:${(rules.address() as AddressInfo).port}/auth;
  proxy_pass_error_message on;
  server { listen 127.0.0.1:${ports.smtp}; protocol smtp; smtp_auth none; xclient on; }
  server { listen 127.0.0.1:${ports.submission}; protocol smtp; smtp_auth plain login; xclient on; }
  server { listen 127.0.0.1:${ports.imap}; protocol imap; imap_auth plain; proxy_protocol on; }
}
`,
      )
      const nginx = await startFront('nginx', ['-e', 'stderr', '-p', folder, '-c', file], Object.values(ports))
      try {
        await work({ real, asked, events, ports })
      } finally {
        await nginx.stop()
      }
    } finally {
      rules.close()
      await real.stop()
    }
  })
}

const letter = (from: string): string => [`From: ${from}`, 'Subject: through nginx', '', 'Hello', '.', ''].join('\r\n')

test(
  'a stranger’s mail: XCLIENT names him, and a recipient whom nobody is is refused in our words',
  { skip },
  async () => {
    await behindNginx({ smtp: { xclientFrom: here } }, async ({ real, asked, ports }) => {
      await dialogue(await dial(ports.smtp), [
        ['', /220 front\.example .*\r\n/],
        ['EHLO far.example\r\n', /^250 [^\n]*\n/m],
        ['MAIL FROM:<x@far.example>\r\n', /250 .*\r\n/],
        [`RCPT TO:<${alice}>\r\n`, /250 .*\r\n/],
        ['RCPT TO:<nobody@a.example>\r\n', /550 5\.1\.1 .*\r\n/],
        ['DATA\r\n', /354 .*\r\n/],
        [letter('x@far.example'), /250 .*\r\n/],
        ['QUIT\r\n', /221 .*\r\n/],
      ])
      const [message] = await messagesIn(real.system, alice)
      assert.equal(cameFrom(message!), clientAddress)
      assert.match(message!, /^Received: from far\.example /m)
      assert.equal(asked[0]!['client-ip'], clientAddress)
    })
  },
)

test(
  'a user whom nginx has let in: XCLIENT LOGIN signs him in here, and he sends as himself alone',
  { skip },
  async () => {
    await behindNginx({ smtp: { xclientFrom: here } }, async ({ real, asked, ports }) => {
      const plain = Buffer.from(`\0${alice}\0${password}`).toString('base64')
      const wrong = Buffer.from(`\0${alice}\0wrong`).toString('base64')
      await dialogue(await dial(ports.submission), [
        ['', /220 .*\r\n/],
        ['EHLO laptop.example\r\n', /^250 [^\n]*\n/m],
        [`AUTH PLAIN ${wrong}\r\n`, /535 .*\r\n/],
      ])
      await dialogue(await dial(ports.submission), [
        ['', /220 .*\r\n/],
        ['EHLO laptop.example\r\n', /^250 [^\n]*\n/m],
        [`AUTH PLAIN ${plain}\r\n`, /235 .*\r\n/],
        [`MAIL FROM:<${bob}>\r\n`, /5\d\d 5\.7\.\d .*\r\n/],
        [`MAIL FROM:<${alice}>\r\n`, /250 .*\r\n/],
        [`RCPT TO:<${bob}>\r\n`, /250 .*\r\n/],
        ['DATA\r\n', /354 .*\r\n/],
        [letter(alice), /250 .*\r\n/],
        ['QUIT\r\n', /221 .*\r\n/],
      ])
      const [message] = await messagesIn(real.system, bob)
      assert.equal(cameFrom(message!), clientAddress)
      assert.match(message!, / with ESMTPA id\s/)
      assert.deepEqual(
        asked.map((question) => question['auth-method']),
        ['plain', 'plain'],
      )
    })
  },
)

test('IMAP: the PROXY header names the client, whose wrong password is his own', { skip }, async () => {
  await behindNginx({ proxyFrom: here, plaintextAuth: true }, async ({ events, ports }) => {
    await dialogue(await dial(ports.imap), [
      ['', /\* OK .*\r\n/],
      [`a LOGIN ${alice} "${password}"\r\n`, /^a OK .*\r\n/m],
      ['b SELECT INBOX\r\n', /^b OK .*\r\n/m],
      ['c LOGOUT\r\n', /^c OK .*\r\n/m],
    ])
    await dialogue(await dial(ports.imap), [
      ['', /\* OK .*\r\n/],
      [`a LOGIN ${alice} "let us see"\r\n`, /^a NO .*\r\n/m],
    ])
    const failed = events.filter((line) => line.startsWith('sign-in failed'))
    assert.equal(failed.length, 1)
    assert.ok(failed[0]!.includes(`"peer":"${clientAddress}"`), failed[0])
  })
})
