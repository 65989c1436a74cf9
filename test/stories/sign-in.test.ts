/** Signing in at every listener: what is advertised is what is accepted; every mechanism by every protocol; certificates and tokens. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import type { Service } from '../../src/config/config.ts'
import type { ChannelBindingType, TlsFacts } from '../../src/base/network.ts'
import { channelBinding } from '../../src/platform/real/channel-binding.ts'
import { chooseMechanism } from '../../src/protocol/sasl/client.ts'
import { makeAuthority, type Authority } from './client-certificates.ts'
import { password, startReal, type RealSystem } from './real.ts'
import { protocolOf, SaslLine } from './sasl-line.ts'

const alice = 'alice@a.example'
const bob = 'bob@a.example'
const folder = mkdtempSync(join(tmpdir(), 'pennypost-sign-in-'))
const issuer = 'https://login.example.org'

let real: RealSystem
let authority: Authority
let certificate: ConnectionOptions
let sign: (claims: JWTPayload) => Promise<string>
const keys = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })))
let jwk: object
const events: string[] = []

before(async () => {
  authority = await makeAuthority('ours')
  certificate = await authority.sign({ addresses: [alice] })
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  jwk = { ...(await exportJWK(publicKey)), kid: 'k' }
  sign = (claims) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(issuer)
      .setAudience('mail')
      .setExpirationTime('10m')
      .sign(privateKey)
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
  const note = (event: string, facts = {}): void => void events.push(`${event} ${JSON.stringify(facts)}`)
  real = await startReal({
    users: [alice, bob],
    auth: { clientCertificates: join(folder, 'ca.pem'), scramSha1: true, scramPlus: true, failuresFree: 1000 },
    oauth: { issuer, audience: 'mail', jwks: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/` },
    log: { debug() {}, info: note, warn: note, error: note },
  })
})
after(async () => {
  await real.stop()
  keys.close()
  rmSync(folder, { recursive: true, force: true })
})

const open = (service: Service, tls?: ConnectionOptions): Promise<SaslLine> =>
  SaslLine.open(service, real.port(service), tls)

async function by<T>(
  service: Service,
  tls: ConnectionOptions | undefined,
  work: (line: SaslLine) => Promise<T>,
): Promise<T> {
  const line = await open(service, tls)
  try {
    return await work(line)
  } finally {
    line.close()
  }
}

const mechanisms = [
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-1',
  'EXTERNAL',
  'OAUTHBEARER',
  'XOAUTH2',
  'PLAIN',
  'LOGIN',
]
const underTls = mechanisms.filter((name) => name !== 'EXTERNAL')

// Listener × state of TLS: what may be said there.
const table: readonly (readonly [Service, 'clear' | 'TLS' | 'TLS with a certificate', readonly string[]])[] = [
  ['smtp', 'clear', []],
  ['smtp', 'TLS', []],
  ['smtp', 'TLS with a certificate', []],
  ['lmtp', 'clear', []],
  ['lmtp', 'TLS', []],
  ['lmtp', 'TLS with a certificate', []],
  ['submission', 'clear', []],
  ['submission', 'TLS', underTls],
  ['submission', 'TLS with a certificate', mechanisms],
  ['submissions', 'TLS', underTls],
  ['submissions', 'TLS with a certificate', mechanisms],
  ['imap', 'clear', []],
  ['imap', 'TLS', underTls],
  ['imap', 'TLS with a certificate', mechanisms],
  ['imaps', 'TLS', underTls],
  ['imaps', 'TLS with a certificate', mechanisms],
  ['pop3', 'clear', []],
  ['pop3', 'TLS', underTls],
  ['pop3', 'TLS with a certificate', mechanisms],
  ['pop3s', 'TLS', underTls],
  ['pop3s', 'TLS with a certificate', mechanisms],
]

for (const [service, state, allowed] of table)
  test(`${service}, ${state}: advertised and accepted are ${allowed.length === 0 ? 'nothing' : allowed.join(' ')}`, async () => {
    const tls = state === 'clear' ? undefined : state === 'TLS' ? {} : certificate
    assert.deepEqual(await by(service, tls, (line) => line.advertised()), allowed)
    const accepted = await Promise.all(
      [...mechanisms, 'CRAM-MD5'].map((name) =>
        by(service, tls, async (line) => ((await line.auth(name)).kind === 'challenge' ? [name] : [])),
      ),
    )
    assert.deepEqual(accepted.flat(), allowed)
  })

const services: readonly Service[] = ['submission', 'submissions', 'imap', 'imaps', 'pop3', 'pop3s']

/** Speaks a mechanism of our client to its end. */
async function speak(line: SaslLine, offered: string[], facts: TlsFacts, word = password): Promise<string> {
  const client = chooseMechanism(offered, { username: alice, password: word }, { tls: facts, plaintext: false })!
  let answer = await line.auth(client.name, Buffer.from(client.initial() ?? ''))
  while (answer.kind === 'challenge') answer = await line.respond(Buffer.from(await client.answer(answer.bytes)))
  if (answer.kind === 'in') client.succeeded()
  return `${client.name} ${answer.kind}`
}

const tlsInfoOf = (line: SaslLine, kinds: readonly ChannelBindingType[]): TlsFacts => ({
  version: 'TLSv1.3',
  cipher: '',
  resumed: false,
  binding: (type) => (kinds.includes(type) ? channelBinding(line.tls, 'client', type) : undefined),
})

for (const service of services) {
  test(`${service}: SCRAM bound to the connection, to the certificate, and not bound`, async () => {
    for (const hash of ['SHA-256', 'SHA-1'])
      for (const [kinds, name] of [
        [['tls-exporter'], `SCRAM-${hash}-PLUS`],
        [['tls-server-end-point'], `SCRAM-${hash}-PLUS`],
        [[], `SCRAM-${hash}`],
      ] as const) {
        const offered = [`SCRAM-${hash}-PLUS`, `SCRAM-${hash}`]
        assert.equal(await by(service, {}, (line) => speak(line, offered, tlsInfoOf(line, kinds))), `${name} in`)
        assert.equal(
          await by(service, {}, (line) => speak(line, offered, tlsInfoOf(line, kinds), 'wrong')),
          `${name} refused`,
        )
      }
    const old = { maxVersion: 'TLSv1.2' as const }
    assert.equal(
      await by(service, old, (line) => speak(line, ['SCRAM-SHA-256-PLUS'], tlsInfoOf(line, ['tls-server-end-point']))),
      'SCRAM-SHA-256-PLUS in',
    )
    assert.ok(await by(service, old, async (line) => (await line.advertised()).includes('SCRAM-SHA-256-PLUS')))
  })

  test(`${service}: cancelled, no base64, too long, broken off: the next attempt is not touched`, async () => {
    const word = protocolOf(service)
    for (const name of underTls)
      await by(service, {}, async (line) => {
        assert.equal((await line.auth(name)).kind, 'challenge')
        const cancelled = await line.raw('*')
        assert.match(
          cancelled.kind === 'refused' ? cancelled.line : '',
          { smtp: /^501 5\.7\.0/, imap: /^A1 BAD/, pop3: /^-ERR/ }[word],
        )
        assert.equal((await line.auth(name)).kind, 'challenge')
        const nonsense = await line.raw('no base64!')
        assert.match(
          nonsense.kind === 'refused' ? nonsense.line : '',
          { smtp: /^501 5\.5\.2/, imap: /^A2 BAD/, pop3: /^-ERR/ }[word],
        )
        assert.equal((await line.auth(name)).kind, 'challenge')
        const long = await line.raw('A'.repeat(40_000))
        assert.match(
          long.kind === 'refused' ? long.line : '',
          { smtp: /^500 5\.5\.6/, imap: /^A3 BAD/, pop3: /^-ERR/ }[word],
        )
        assert.equal(await speak(line, ['SCRAM-SHA-256'], tlsInfoOf(line, [])), 'SCRAM-SHA-256 in')
      })
    // Gone in the middle: nothing is left behind.
    await by(service, {}, (line) => line.auth('SCRAM-SHA-256', `n,,n=${alice},r=abc`))
  })

  test(`${service}: a certificate of our authority, as its own account alone`, async () => {
    const outcome = (tls: ConnectionOptions, initial: string) =>
      by(service, tls, async (line) => (await line.auth('EXTERNAL', initial)).kind)
    assert.equal(await outcome(certificate, ''), 'in')
    assert.equal(await outcome(certificate, alice), 'in')
    assert.equal(await outcome(certificate, bob), 'refused')
    assert.equal(await outcome(await authority.sign({ addresses: ['nobody@a.example'] }), ''), 'refused')
    const both = await authority.sign({ addresses: [alice, bob] })
    assert.equal(await outcome(both, ''), 'refused')
    assert.equal(await outcome(both, bob), 'in')
  })

  test(`${service}: tokens, and how their failure is told`, async () => {
    const good = await sign({ email: alice })
    const bearer = (token: string, asked = ''): string => `n,${asked && `a=${asked}`},\x01auth=Bearer ${token}\x01\x01`
    const kind = (name: string, initial: string) =>
      by(service, {}, async (line) => (await line.auth(name, initial)).kind)
    assert.equal(await kind('OAUTHBEARER', bearer(good)), 'in')
    assert.equal(await kind('OAUTHBEARER', bearer(good, alice)), 'in')
    assert.equal(await kind('XOAUTH2', `user=${alice}\x01auth=Bearer ${good}\x01\x01`), 'in')
    for (const [name, initial, dummy] of [
      ['OAUTHBEARER', bearer(good, bob), '\x01'],
      ['OAUTHBEARER', bearer(await sign({ email: 'nobody@a.example' })), '\x01'],
      ['OAUTHBEARER', bearer('x.y.z'), '\x01'],
      ['XOAUTH2', `user=${bob}\x01auth=Bearer ${good}\x01\x01`, ''],
    ] as const)
      await by(service, {}, async (line) => {
        const why = await line.auth(name, initial)
        assert.ok(why.kind === 'challenge')
        const { status, 'openid-configuration': configuration } = JSON.parse(String(why.bytes)) as Record<
          string,
          string
        >
        assert.equal(status, name === 'XOAUTH2' ? '401' : 'invalid_token')
        assert.equal(configuration, `${issuer}/.well-known/openid-configuration`)
        assert.equal((await line.respond(dummy)).kind, 'refused')
      })
    // Only what passes the throttle is counted there: its line shows that this did.
    const port = real.port(service)
    const counted = events.filter((line) => line.includes('"wrong token"') && line.includes(`"port":${port},`))
    assert.equal(counted.length, 1)
  })
}

test('certificates that prove nothing: of others, for servers, out of date, with the address elsewhere', async () => {
  const other = await makeAuthority('ours')
  const strangers = [
    await other.sign({ addresses: [alice] }),
    await authority.sign({ addresses: [alice], notAfter: new Date(Date.now() - 1000) }),
    await authority.sign({ addresses: [alice], usage: '1.3.6.1.5.5.7.3.1' as never }),
    await authority.sign({ names: ['alice.a.example'] }),
  ]
  for (const [at, stranger] of strangers.entries()) {
    assert.ok(!(await by('imaps', stranger, (line) => line.advertised())).includes('EXTERNAL'), `stranger ${at}`)
    assert.equal(await by('imaps', stranger, async (line) => (await line.auth('EXTERNAL', alice)).kind), 'refused')
    // The password still does.
    assert.equal(await by('imaps', stranger, (line) => speak(line, ['PLAIN'], tlsInfoOf(line, []))), 'PLAIN in')
  }
})

test('a resumed session still knows whom it belongs to, and binds the connection that it is', async () => {
  const session = await by('imaps', certificate, async (line) => {
    // The ticket came with or before the answer, by TLS 1.3 in its own time.
    await line.say('N NOOP')
    return line.tls.getSession()!
  })
  await by('imaps', { session }, async (line) => {
    assert.ok(line.tls.isSessionReused())
    assert.equal((await line.auth('EXTERNAL', '')).kind, 'in')
  })
  await by('imaps', { session }, async (line) =>
    assert.equal(await speak(line, ['SCRAM-SHA-256-PLUS'], tlsInfoOf(line, ['tls-exporter'])), 'SCRAM-SHA-256-PLUS in'),
  )
})

test('port 25 asks nobody for a certificate', async () => {
  await by('smtp', certificate, async (line) =>
    assert.equal(line.tls.getCertificate() && (await line.advertised()).length, 0),
  )
})

test('our own clients take the best way in', async () => {
  const smtp = await real.smtp('submissions')
  await smtp.authenticate(alice, password)
  await smtp.quit()
  const imap = await real.imap(alice, undefined, 'authenticate')
  await imap.logout()
  const refused = await real.smtp('submissions')
  await assert.rejects(refused.authenticate(alice, 'wrong'), /535/)
  refused.destroy()
})

test('each failure is one line with address and name, and without what was tried', async () => {
  events.length = 0
  await by('imaps', {}, (line) => speak(line, ['PLAIN'], tlsInfoOf(line, []), 'sesame open'))
  assert.deepEqual(
    events.filter((event) => event.startsWith('sign-in')),
    [
      `sign-in failed {"peer":"127.0.0.1","port":${real.port('imaps')},"user":"${alice}","by":"password","reason":"wrong password"}`,
    ],
  )
})
