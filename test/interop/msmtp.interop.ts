/** msmtp as sendmail: a message with an attachment arrives as it was written, with the certificate checked. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { mails } from './mails.ts'
import { alice, bob, read, run, withCertified, without } from './programs.ts'

for (const [service, starttls] of [
  ['submission', 'on'],
  ['submissions', 'off'],
] as const) {
  test(`msmtp sends by ${service} what its standard input says`, { skip: without('msmtp') }, async () => {
    await withCertified(async (real, folder, ca) => {
      const config = join(folder, 'msmtprc')
      const account = (trusted: string): void =>
        writeFileSync(
          config,
          `account default
host localhost
port ${real.port(service)}
tls on
tls_starttls ${starttls}
tls_trust_file ${trusted}
auth on
user ${alice}
password "${password}"
from ${alice}
`,
          { mode: 0o600 },
        )
      account(ca)
      for (const mail of mails) {
        const { code, err } = await run('msmtp', ['-C', config, '-t'], { input: mail })
        assert.equal(code, 0, err)
      }
      const arrived = await read(real, bob)
      assert.equal(arrived.length, mails.length)
      for (const [at, mail] of mails.entries()) assert.ok(arrived[at]!.endsWith(mail.toString('latin1')), arrived[at])
      account('/etc/ssl/certs/ca-certificates.crt')
      const stranger = await run('msmtp', ['-C', config, '-t'], { input: mails[0] })
      assert.notEqual(stranger.code, 0)
      assert.match(stranger.err, /certificate|trust/)
    })
  })
}
