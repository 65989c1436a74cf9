/** getmail: POP3 and IMAP over TLS into a Maildir; what it has seen, it leaves; what it took, it removes when told so. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { fill, mails, unixText } from './mails.ts'
import { bob, read, run, withCertified, without } from './programs.ts'

const skip = without('getmail')
const nobody = 65_534

for (const [retriever, service] of [
  ['SimplePOP3SSLRetriever', 'pop3s'],
  ['SimpleIMAPSSLRetriever', 'imaps'],
] as const) {
  test(`getmail by ${service}: once, only what is new, then with removal`, { skip }, async () => {
    await withCertified(async (real, folder, ca) => {
      const maildir = join(folder, 'Maildir')
      for (const part of ['', 'cur', 'new', 'tmp']) mkdirSync(join(maildir, part), { recursive: true })
      // As root it delivers only for another user.
      const owner = process.getuid!() === 0 ? 'nobody' : userInfo().username
      if (owner === 'nobody') {
        chmodSync(folder, 0o711)
        for (const part of ['', 'cur', 'new', 'tmp']) chownSync(join(maildir, part), nobody, nobody)
      }
      const getmail = async (remove: boolean, trusted = ca): Promise<{ code: number; said: string }> => {
        writeFileSync(
          join(folder, 'getmailrc'),
          `[retriever]
type = ${retriever}
server = localhost
port = ${real.port(service)}
username = ${bob}
password = ${password}
timeout = 10
ca_certs = ${trusted}
ssl_cert_hostname = localhost
[destination]
type = Maildir
path = ${maildir}/
user = ${owner}
[options]
read_all = false
delete = ${remove}
delivered_to = false
received = false
`,
          { mode: 0o600 },
        )
        const { code, out, err } = await run('getmail', ['--getmaildir', folder, '--rcfile', 'getmailrc'])
        return { code, said: `${out}\n${err}` }
      }
      const stored = (): string[] =>
        readdirSync(join(maildir, 'new'))
          .map((name) => readFileSync(join(maildir, 'new', name), 'latin1'))
          // What it notes in the header itself.
          .map((text) => text.replace(/^Return-Path: .*\n/, '').replace(/^X-getmail-retrieved-.*\n/m, ''))

      await fill(real, bob)
      const first = await getmail(false)
      assert.equal(first.code, 0, first.said)
      assert.deepEqual(stored().sort(), mails.map(unixText).sort())
      assert.equal((await getmail(false)).code, 0)
      assert.equal(stored().length, mails.length)
      const late = Buffer.from('Subject: late\r\n\r\nlate\r\n')
      await fill(real, bob, [late])
      const second = await getmail(true)
      assert.equal(second.code, 0, second.said)
      assert.deepEqual(stored().sort(), [...mails, late].map(unixText).sort())
      assert.deepEqual(await read(real, bob), [])
      // Another authority than the one that vouched for us.
      const stranger = await getmail(false, '/etc/ssl/certs/ca-certificates.crt')
      assert.match(stranger.said, /CERTIFICATE_VERIFY_FAILED|certificate verify failed|No such file/)
    })
  })
}
