/** gsasl, msmtp and curl sign in: SCRAM with and without a channel binding, certificates, tokens. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { makeAuthority, type Authority } from '../stories/client-certificates.ts'
import { password, type RealOptions, type RealSystem } from '../stories/real.ts'
import { alice, bob, read, run, without, withSystem, type Ran } from './programs.ts'

const issuer = 'https://login.example.org'
const folder = mkdtempSync(join(tmpdir(), 'pennypost-sign-in-'))
const pem = (name: string): string => join(folder, `${name}.pem`)

let authority: Authority
let token: string
let options: Partial<RealOptions>
const keys = createServer((_, response) => response.end(keySet))
let keySet = ''

before(async () => {
  authority = await makeAuthority('ours')
  const { cert, key } = await authority.sign({ addresses: [alice] })
  writeFileSync(pem('ca'), authority.cert)
  writeFileSync(pem('cert'), cert)
  writeFileSync(pem('key'), key)
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  keySet = JSON.stringify({ keys: [await exportJWK(publicKey)] })
  token = await new SignJWT({ email: alice })
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(issuer)
    .setAudience('mail')
    .setExpirationTime('10m')
    .sign(privateKey)
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
  options = {
    auth: { clientCertificates: pem('ca'), scramSha1: true, scramPlus: true, failuresFree: 1000 },
    oauth: { issuer, audience: 'mail', jwks: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/` },
  }
})
after(() => {
  keys.close()
  rmSync(folder, { recursive: true, force: true })
})

function gsasl(real: RealSystem, protocol: 'imap' | 'smtp', mechanism: string, more: readonly string[]): Promise<Ran> {
  return run('gsasl', [
    `--${protocol}`,
    `--connect=localhost:${real.port(protocol === 'imap' ? 'imap' : 'submission')}`,
    `--mechanism=${mechanism}`,
    '--quiet',
    ...more,
  ])
}

const who = (word: string): string[] => [`--authentication-id=${alice}`, '--authorization-id=', `--password=${word}`]
const withTls = ['--starttls', '--x509-ca-file=']

test('gsasl by IMAP, bound to the channel where it can; by certificate', { skip: without('gsasl') }, async () => {
  await withSystem(async (real) => {
    for (const mechanism of [
      'SCRAM-SHA-256-PLUS',
      'SCRAM-SHA-1-PLUS',
      'SCRAM-SHA-256',
      'SCRAM-SHA-1',
      'PLAIN',
      'LOGIN',
    ]) {
      // With a binding at hand it would say "y", which means that our list was tampered with.
      const tls = mechanism.endsWith('-PLUS') ? withTls : [...withTls, '--no-cb']
      const right = await gsasl(real, 'imap', mechanism, [...who(password), ...tls])
      assert.equal(right.code, 0, `${mechanism}\n${right.out}\n${right.err}`)
      const wrong = await gsasl(real, 'imap', mechanism, [...who('wrong'), ...tls])
      assert.notEqual(wrong.code, 0, `${mechanism}\n${wrong.out}\n${wrong.err}`)
    }
    const certificate = [`--x509-cert-file=${pem('cert')}`, `--x509-key-file=${pem('key')}`, '--authorization-id=']
    const { code, out, err } = await gsasl(real, 'imap', 'EXTERNAL', [...certificate, ...withTls])
    assert.equal(code, 0, `EXTERNAL\n${out}\n${err}`)
  }, options)
})

// Its SMTP says STARTTLS before EHLO, so it is asked in clear.
test('gsasl by SMTP', { skip: without('gsasl') }, async () => {
  await withSystem(
    async (real) => {
      for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN']) {
        const right = await gsasl(real, 'smtp', mechanism, [...who(password), '--no-starttls'])
        assert.equal(right.code, 0, `${mechanism}\n${right.out}\n${right.err}`)
        const wrong = await gsasl(real, 'smtp', mechanism, [...who('wrong'), '--no-starttls'])
        assert.notEqual(wrong.code, 0, `${mechanism}\n${wrong.out}\n${wrong.err}`)
      }
    },
    { ...options, plaintextAuth: true },
  )
})

test('msmtp sends by SCRAM, token and certificate', { skip: without('msmtp') }, async () => {
  await withSystem(async (real) => {
    const send = async (auth: string, word: string, more: readonly string[] = []): Promise<Ran> => {
      const file = join(folder, 'msmtprc')
      writeFileSync(
        file,
        `defaults\ntls_certcheck off\naccount default\nhost localhost\nport ${real.port('submission')}\n`,
      )
      chmodSync(file, 0o600)
      const args = [
        `--file=${file}`,
        `--host=localhost`,
        `--port=${real.port('submission')}`,
        '--tls=on',
        '--tls-certcheck=off',
        `--auth=${auth}`,
        `--user=${alice}`,
        `--passwordeval=echo ${word}`,
        `--from=${alice}`,
        ...more,
        bob,
      ]
      return run('msmtp', args, { input: `Subject: ${auth}\r\n\r\nHello\r\n` })
    }
    const certificate = [`--tls-cert-file=${pem('cert')}`, `--tls-key-file=${pem('key')}`]
    const cases: readonly (readonly [string, string, readonly string[]])[] = [
      ['scram-sha-256', password, []],
      ['scram-sha-1', password, []],
      ['plain', password, []],
      ['login', password, []],
      ['oauthbearer', token, []],
      ['xoauth2', token, []],
      ['external', '', certificate],
      // Whatever it takes to be the best.
      ['on', password, []],
    ]
    for (const [auth, word, more] of cases) {
      const { code, out, err } = await send(auth, word, more)
      assert.equal(code, 0, `${auth}\n${out}\n${err}`)
    }
    for (const auth of ['scram-sha-256', 'oauthbearer', 'xoauth2', 'plain'])
      assert.notEqual((await send(auth, 'wrong')).code, 0, auth)
    assert.equal((await read(real, bob)).length, cases.length)
  }, options)
})

test('curl by token and by certificate, at all three', { skip: without('curl') }, async () => {
  await withSystem(async (real) => {
    const message = join(folder, 'm.eml')
    writeFileSync(message, `From: ${alice}\r\nSubject: curl\r\n\r\nHello\r\n`)
    const curl = (service: 'imaps' | 'pop3s' | 'submissions', more: readonly string[]): Promise<Ran> => {
      const scheme = service === 'submissions' ? 'smtps' : service
      const sending = service === 'submissions' ? ['--mail-from', alice, '--mail-rcpt', bob, '-T', message] : []
      return run('curl', ['-sS', '-k', ...sending, ...more, `${scheme}://localhost:${real.port(service)}/`])
    }
    const user = ['-u', `${alice}:`]
    for (const service of ['imaps', 'pop3s', 'submissions'] as const) {
      for (const mechanism of ['OAUTHBEARER', 'XOAUTH2']) {
        const login = ['--login-options', `AUTH=${mechanism}`, ...user, '--oauth2-bearer']
        const right = await curl(service, [...login, token])
        assert.equal(right.code, 0, `${service} ${mechanism} ${right.err}`)
        // Its code for a login that was denied; a token that is too short is answered, too.
        assert.equal((await curl(service, [...login, 'x.y.z'])).code, 67, `${service} ${mechanism}`)
      }
      const external = ['--login-options', 'AUTH=EXTERNAL', ...user, '--cert', pem('cert'), '--key', pem('key')]
      const { code, err } = await curl(service, external)
      assert.equal(code, 0, `${service} EXTERNAL ${err}`)
    }
  }, options)
})
