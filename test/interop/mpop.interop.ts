/** mpop: POP3 with pipelining, over TLS from the start and by STLS, SCRAM and plain; UIDL; removal after fetching. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { fill, mails, unixText } from './mails.ts'
import { bob, read, run, withCertified, without } from './programs.ts'

const skip = without('mpop')

for (const [name, service, starttls, auth] of [
  ['pop3s', 'pop3s', 'off', 'scram-sha-256'],
  ['pop3 with STLS', 'pop3', 'on', 'plain'],
] as const) {
  test(`mpop by ${name}: once, only what is new, then with removal`, { skip }, async () => {
    await withCertified(async (real, folder, ca) => {
      const maildir = join(folder, 'Maildir')
      for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, part), { recursive: true })
      const config = join(folder, 'mpoprc')
      const mpop = async (keep: 'on' | 'off', host = 'localhost'): Promise<{ code: number; said: string }> => {
        writeFileSync(
          config,
          `account default
host ${host}
port ${real.port(service)}
tls on
tls_starttls ${starttls}
tls_trust_file ${ca}
auth ${auth}
pipelining on
user ${bob}
password "${password}"
keep ${keep}
received_header off
uidls_file ${folder}/uidls
delivery maildir ${maildir}
`,
          { mode: 0o600 },
        )
        const { code, out, err } = await run('mpop', ['-C', config])
        return { code, said: `${out}\n${err}` }
      }
      const stored = (): string[] =>
        readdirSync(join(maildir, 'new')).map((entry) => readFileSync(join(maildir, 'new', entry), 'latin1'))

      await fill(real, bob)
      const first = await mpop('on')
      assert.equal(first.code, 0, first.said)
      assert.deepEqual(stored().sort(), mails.map(unixText).sort())
      assert.equal((await mpop('on')).code, 0)
      assert.equal(stored().length, mails.length)
      const late = Buffer.from('Subject: late\r\n\r\nlate\r\n')
      await fill(real, bob, [late])
      const second = await mpop('off')
      assert.equal(second.code, 0, second.said)
      assert.deepEqual(stored().sort(), [...mails, late].map(unixText).sort())
      assert.deepEqual(await read(real, bob), [])
      // The certificate is for a name, not for this number.
      const other = await mpop('on', '127.0.0.1')
      assert.notEqual(other.code, 0)
      assert.match(other.said, /certificate/)
    })
  })
}
