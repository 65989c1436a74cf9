/** What we publish, judged by others: openssl takes our certificate for the TLSA record that we print, and curl our MTA-STS policy. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { certificateFor } from '../../src/platform/real/tls.ts'
import { publishedRecords } from '../../src/web/discovery/published.ts'
import { run, withCertified, without } from './programs.ts'

const options = { mtaSts: 'testing', mtaStsMaxAgeMs: 86_400_000, mtaStsHosts: [], tlsReportsTo: undefined } as const

test(
  'openssl: the TLSA record is verified at the SMTP listener, and another key is not',
  { skip: without('openssl') },
  async () => {
    await withCertified(async (real, folder) => {
      const certificate = certificateFor([readFileSync(join(folder, 'cert.pem'), 'utf8')], 'localhost')!
      const known = { ofHost: [certificate], namesPolicyHost: undefined }
      const records = publishedRecords('a.example', 'localhost', options, known)
      const { value } = records.find(({ type }) => type === 'TLSA')!
      const verify = (record: string) => {
        const place = ['-connect', `127.0.0.1:${real.port('smtp')}`, '-starttls', 'smtp', '-verify_return_error']
        const dane = ['-dane_tlsa_domain', 'localhost', '-dane_tlsa_rrdata', record]
        return run('openssl', ['s_client', ...place, ...dane, '-ign_eof', '-crlf'], { input: 'QUIT\n' })
      }
      const good = await verify(value)
      assert.equal(good.code, 0, good.err)
      assert.match(good.out, /^DANE TLSA 3 1 1 \S+ matched (?:the )?EE certificate/m)
      const wrong = await verify(value.replace(/..$/, (end) => (end === '00' ? '01' : '00')))
      assert.notEqual(wrong.code, 0)
    })
  },
)

test('curl: the policy, as text, from the host of its name alone', { skip: without('curl') }, async () => {
  await withCertified(
    async (real, _, ca) => {
      const port = real.port('https')
      const ask = (host: string) => {
        // The certificate is for localhost; the name in Host is what counts here.
        const url = `https://localhost:${port}/.well-known/mta-sts.txt`
        return run('curl', ['-s', '-i', '--noproxy', '*', '--cacert', ca, '-H', `Host: ${host}`, url])
      }
      const { code, out } = await ask('mta-sts.a.example')
      assert.equal(code, 0)
      assert.match(out, /^HTTP\/1\.1 200 /)
      assert.match(out, /^content-type: text\/plain\b/im)
      assert.ok(out.endsWith('\r\n\r\nversion: STSv1\r\nmode: testing\r\nmx: localhost\r\nmax_age: 1209600\r\n'), out)
      assert.match((await ask('mta-sts.elsewhere.example')).out, /^HTTP\/1\.1 404 /)
    },
    { services: ['https'] },
  )
})
