/** Mail that Pennypost hands to Dovecot by LMTP: several mailboxes of one message, one of them full, one unknown; with and without TLS. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StaticRoute } from '../../src/transport/static-routes.ts'
import { password, startReal, type RealSystem } from '../stories/real.ts'
import { messagesIn } from '../stories/world.ts'
import { freePort } from '../support/free-port.ts'
import { certified } from './certified.ts'
import { alice, withFolder } from './programs.ts'

const program = '/usr/sbin/dovecot'
const lmtpd = '/usr/lib/dovecot/lmtp'
const skip = !existsSync(lmtpd) && process.env.CI !== 'true' ? 'dovecot-lmtpd is not installed' : false
const nobody = 65534
const users = ['bob@boxes.example', 'carol@boxes.example', 'full@boxes.example']

interface Dovecot {
  readonly port: number
  /** The messages of a mailbox, as Dovecot stored them. */
  messages(user: string): string[]
  stop(): Promise<void>
}

function configuration(folder: string, port: number, tls: { cert: string; key: string } | undefined): string {
  const { username } = userInfo()
  // As root it has users of its own; else all is done by the user that runs the test.
  const asUs = process.getuid!() === 0 ? '' : `default_internal_user = ${username}\ndefault_login_user = ${username}\n`
  return `base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = ${folder}/log
protocols = lmtp
listen = 127.0.0.1
${asUs}first_valid_uid = 1
mail_location = maildir:~/mail
mail_plugins = quota
plugin {
  quota = maildir:User quota
}
ssl = ${tls ? 'yes' : 'no'}
${tls ? `ssl_cert = <${tls.cert}\nssl_key = <${tls.key}\n` : ''}
userdb {
  driver = passwd-file
  args = username_format=%u ${folder}/users
}
passdb {
  driver = static
  args = nopassword=y
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
service lmtp {
  inet_listener lmtp {
    port = ${port}
  }
}
`
}

async function startDovecot(folder: string, tls?: { cert: string; key: string }): Promise<Dovecot> {
  const port = await freePort()
  const root = process.getuid!() === 0
  const [uid, gid] = root ? [nobody, nobody] : [process.getuid!(), process.getgid!()]
  const homes = join(folder, 'homes')
  mkdirSync(homes)
  for (const path of [folder, homes]) chmodSync(path, 0o777)
  const rows = users.map((user) => {
    const rule = user.startsWith('full@') ? 'userdb_quota_rule=*:bytes=100' : ''
    return `${user}::${uid}:${gid}::${homes}/${user}::${rule}\n`
  })
  writeFileSync(join(folder, 'users'), rows.join(''))
  const conf = join(folder, 'dovecot.conf')
  writeFileSync(conf, configuration(folder, port, tls))
  const child = spawn(program, ['-F', '-c', conf], { stdio: ['ignore', 'inherit', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await reachable(port).catch((error: unknown) => {
    child.kill('SIGTERM')
    throw error
  })
  return {
    port,
    messages: (user) =>
      ['new', 'cur'].flatMap((part) => {
        const path = join(homes, user, 'mail', part)
        return existsSync(path) ? readdirSync(path).map((name) => readFileSync(join(path, name), 'latin1')) : []
      }),
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function reachable(port: number): Promise<void> {
  const deadline = Date.now() + 20_000
  const isOpen = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => (socket.destroy(), resolve(true)))
      socket.once('error', () => resolve(false))
    })
  while (!(await isOpen())) {
    assert.ok(Date.now() < deadline, 'Dovecot does not listen')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function until<T>(read: () => T | undefined | Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const found = await read()
    if (found !== undefined) return found
    assert.ok(Date.now() < deadline, what)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function submit(real: RealSystem, recipients: readonly string[], text: string): Promise<void> {
  const client = await real.smtp('submission')
  await client.startTls({ serverName: 'localhost', verify: 'none' })
  await client.authenticate(alice, password)
  const bytes = Buffer.from(text.replaceAll('\n', '\r\n'))
  const message = { sizeBytes: bytes.length, read: (start: number, end: number) => bytes.subarray(start, end) }
  await client.send({ reversePath: alice, recipients, body: '8bitmime', smtpUtf8: false }, message)
  await client.quit()
}

const letter = `From: ${alice}\nSubject: for Dovecot\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n.\n..\n`

for (const tls of ['none', 'opportunistic'] as const)
  test(`several mailboxes, one full, one unknown: TLS ${tls}`, { skip }, async () => {
    await withFolder(async (folder) => {
      const { tls: made } = await certified(folder)
      const [certificate] = made.source === 'files' ? made.certificates : []
      const dovecot = await startDovecot(folder, tls === 'none' ? undefined : certificate)
      const hosts = [{ host: '127.0.0.1', port: dovecot.port }]
      const route: StaticRoute = { domain: 'boxes.example', protocol: 'lmtp', hosts, tls }
      const events: string[] = []
      const note = (event: string, facts = {}): void => void events.push(`${event} ${JSON.stringify(facts)}`)
      const log = { debug() {}, info: note, warn: note, error: note }
      const real = await startReal({ users: [alice], routes: [route], log })
      try {
        await submit(real, [...users, 'nosuch@boxes.example'], letter)
        const [dsn] = await until(async () => {
          const found = await messagesIn(real.system, alice)
          return found.length > 0 ? found : undefined
        }, events.join('\n'))
        // Both are final for Dovecot, and told in one DSN.
        assert.match(dsn!, /Final-Recipient: rfc822; full@boxes\.example\r\nAction: failed\r\nStatus: 5\.2\.2/)
        assert.match(dsn!, /Final-Recipient: rfc822; nosuch@boxes\.example\r\nAction: failed\r\nStatus: 5\.1\.1/)
        assert.doesNotMatch(dsn!, /Final-Recipient: rfc822; (?:bob|carol)@/)
        for (const user of ['bob@boxes.example', 'carol@boxes.example']) {
          const [text, ...others] = dovecot.messages(user)
          assert.equal(others.length, 0)
          assert.match(text!, /^Return-Path: <alice@a\.example>\r?\n/)
          assert.match(text!, /\nSubject: for Dovecot\r?\n/)
          const body = text!.slice(text!.search(/\r?\n\r?\n/)).replaceAll('\r', '')
          assert.equal(Buffer.from(body, 'latin1').toString('utf8'), '\n\nGrüße\n.\n..\n')
          // Which of both offers TLS decides.
          assert.equal(/with LMTPS/.test(text!), tls === 'opportunistic')
        }
        assert.equal(dovecot.messages('full@boxes.example').length, 0)
        assert.equal((await real.system.store.read.queue(0, 10)).length, 0)
      } finally {
        await real.stop()
        await dovecot.stop()
      }
    })
  })
