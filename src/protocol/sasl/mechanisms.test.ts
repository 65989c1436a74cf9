import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TlsFacts } from '../../base/network.ts'
import { Refusal } from '../../mail/status.ts'
import { chooseMechanism } from './client.ts'
import { external } from './external.ts'
import { decodeBase64, offeredMechanisms, type SaslMechanism } from './mechanism.ts'
import { login, plain, saslMechanisms } from './mechanisms.ts'
import { oauthBearer, xoauth2 } from './oauth.ts'

const peer = { address: '192.0.2.1', port: 1, localAddress: '192.0.2.2', localPort: 143 }
const user = { accountId: 7, name: 'user@example.com' }
const tls: TlsFacts = { version: 'TLSv1.3', cipher: 'x', resumed: false, clientAddresses: () => ['user@example.com'] }

function begin(mechanism: SaslMechanism) {
  const verifyPassword = async (name: string, password: string) =>
    name === 'user@example.com' && password === 'pencil' ? user : null
  const exchange = mechanism.begin({ authenticator: { verifyPassword }, peer, tls })
  return async (text: string | undefined) => {
    const answer = await exchange.step(text === undefined ? undefined : Buffer.from(text))
    return answer instanceof Uint8Array ? Buffer.from(answer).toString() : answer
  }
}

const token = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=='
const tokens = {
  async verifyToken(given: string) {
    return given === token ? { address: 'user@example.com' } : { fault: 'invalid_token' as const }
  },
  hints: { scope: 'example_scope', 'openid-configuration': 'https://example.com/.well-known/openid-config' },
}
const accounts = {
  signInVouched: async (addresses: readonly string[], asked: string) =>
    addresses.includes('user@example.com') && (asked === '' || asked === 'user@example.com') ? user : null,
}

test('RFC 7628 §4.1: a good token, by IMAP and by SMTP', async () => {
  const bearer = oauthBearer(tokens, accounts)
  const ended = [
    'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
    'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
  ].map((response) => begin(bearer)(Buffer.from(response, 'base64').toString()))
  assert.deepEqual(await Promise.all(ended), [user, user])
})

test('RFC 7628 §4.3: a failed exchange says why, takes the dummy response, and fails', async () => {
  const say = begin(oauthBearer(tokens, accounts))
  const asked = Buffer.from(
    'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE=',
    'base64',
  ).toString()
  assert.deepEqual(JSON.parse(String(await say(asked))), {
    status: 'invalid_token',
    schemes: 'bearer',
    ...tokens.hints,
  })
  assert.equal(await say('\x01'), null)
})

test('after a failure nothing helps, not even a good token', async () => {
  const say = begin(oauthBearer(tokens, accounts))
  assert.equal(typeof (await say('n,,\x01auth=Bearer wrong\x01\x01')), 'string')
  assert.equal(await say(`n,,\x01auth=Bearer ${token}\x01\x01`), null)
})

test('OAUTHBEARER reads strictly what it reads', async () => {
  const good = [
    `n,,\x01auth=Bearer ${token}\x01\x01`,
    `y,,\x01auth=bEARER ${token}\x01\x01`,
    `n,a=user@example.com,\x01unknown=x\x01auth=Bearer ${token}\x01\x01`,
  ]
  for (const text of good) assert.equal(await begin(oauthBearer(tokens, accounts))(text), user, text)
  const bad: readonly (readonly [string, string])[] = [
    ['', 'invalid_request'],
    ['\x01', 'invalid_request'],
    [`p=tls-exporter,,\x01auth=Bearer ${token}\x01\x01`, 'invalid_request'],
    [`n,user=user@example.com,\x01auth=Bearer ${token}\x01\x01`, 'invalid_request'],
    [`n,,\x01auth=Bearer ${token}\x01`, 'invalid_request'],
    [`n,,\x01auth=Basic ${token}\x01\x01`, 'invalid_request'],
    [`n,,\x01auth=Bearer ${token}\x01auth=Bearer ${token}\x01\x01`, 'invalid_request'],
    [`n,,\x01auth=Bearer a b\x01\x01`, 'invalid_request'],
    [`n,a=other@example.com,\x01auth=Bearer ${token}\x01\x01`, 'invalid_token'],
    ['n,,\x01auth=Bearer x\x01\x01', 'invalid_token'],
  ]
  for (const [text, status] of bad) {
    const say = begin(oauthBearer(tokens, accounts))
    assert.equal((JSON.parse(String(await say(text))) as { status: string }).status, status, text)
    assert.equal(await say('\x01'), null)
  }
})

test('XOAUTH2: the same token in its own words', async () => {
  assert.equal(await begin(xoauth2(tokens, accounts))(`user=user@example.com\x01auth=Bearer ${token}\x01\x01`), user)
  const say = begin(xoauth2(tokens, accounts))
  assert.equal(await say(undefined), '')
  const why = JSON.parse(String(await say('user=user@example.com\x01auth=Bearer x\x01\x01'))) as { status: string }
  assert.equal(why.status, '401')
  assert.equal(await say(''), null)
})

test('EXTERNAL: the account that the certificate names, or none', async () => {
  assert.equal(await begin(external(accounts))(''), user)
  assert.equal(await begin(external(accounts))('user@example.com'), user)
  assert.equal(await begin(external(accounts))('boss@example.com'), null)
  const say = begin(external(accounts))
  assert.equal(await say(undefined), '')
  assert.equal(await say(''), user)
})

test('PLAIN and LOGIN: RFC 4616 §4, and what is no such message', async () => {
  assert.equal(await begin(plain)('\0user@example.com\0pencil'), user)
  assert.equal(await begin(plain)('user@example.com\0user@example.com\0pencil'), user)
  for (const text of ['', '\0', '\0\0pencil', '\0user@example.com\0pencil\0', 'user@example.com'])
    assert.equal(await begin(plain)(text), null, text)
  await assert.rejects(begin(plain)('boss\0user@example.com\0pencil'), Refusal)
  const say = begin(login)
  assert.deepEqual(
    [await say(undefined), await say('user@example.com'), await say('pencil')],
    ['Username:', 'Password:', user],
  )
})

test('base64 is what RFC 4954 §4 takes for it', () => {
  for (const good of ['', 'AA==', 'AAA=', 'AAAA', 'ab+/ab+/']) assert.ok(decodeBase64(good), good)
  for (const bad of ['=', 'A', 'AA', 'AAA', '=AAA', 'AAA=BBB=', 'AA=A', 'A===', 'AAAA\n', ' AAAA', 'AAA-'])
    assert.equal(decodeBase64(bad), undefined, bad)
})

test('the table: strongest first, and no token where none can be checked', () => {
  const tools = {
    random: { bytes: (count: number) => new Uint8Array(count), below: () => 0 },
    scram: { scramAttempt: () => Promise.reject(new Error('not asked')) },
    vouched: accounts,
  }
  const names = (list: readonly SaslMechanism[]): string => list.map(({ name }) => name).join(' ')
  assert.equal(
    names(saslMechanisms({ ...tools, scramPlus: true, scramSha1: false })),
    'SCRAM-SHA-256-PLUS SCRAM-SHA-256 EXTERNAL PLAIN LOGIN',
  )
  assert.equal(
    names(saslMechanisms({ ...tools, scramPlus: false, scramSha1: false })),
    'SCRAM-SHA-256 EXTERNAL PLAIN LOGIN',
  )
  const all = saslMechanisms({ ...tools, scramPlus: true, scramSha1: true, tokens })
  assert.equal(
    names(all),
    'SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 EXTERNAL OAUTHBEARER XOAUTH2 PLAIN LOGIN',
  )
  const plainTls = { version: 'TLSv1.3', cipher: 'x', resumed: false }
  assert.equal(
    names(offeredMechanisms(all, { tls: plainTls, startTls: true, plaintextAuth: false })),
    'SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN',
  )
  assert.ok(names(offeredMechanisms(all, { tls, startTls: true, plaintextAuth: false })).includes('EXTERNAL'))
})

test('a client says no password in clear, unless it is told that the network is safe', () => {
  const who = { username: 'u', password: 'p' }
  const name = (offered: string[], channel: Parameters<typeof chooseMechanism>[2]): string | undefined =>
    chooseMechanism(offered, who, channel)?.name
  assert.equal(name(['PLAIN', 'LOGIN'], { tls: null, plaintext: false }), undefined)
  assert.equal(name(['PLAIN', 'LOGIN'], { tls: null, plaintext: true }), 'PLAIN')
  assert.equal(name(['LOGIN'], { tls, plaintext: false }), 'LOGIN')
  assert.equal(name(['LOGIN', 'PLAIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'], { tls, plaintext: false }), 'SCRAM-SHA-256')
  assert.equal(name(['GSSAPI'], { tls, plaintext: true }), undefined)
})

test('no bytes crash an exchange, and none sign in', async () => {
  const tools = {
    random: { bytes: (count: number) => new Uint8Array(count), below: () => 0 },
    scram: {
      scramAttempt: async () => ({
        keys: {
          salt: new Uint8Array(16),
          iterations: 4096,
          storedKey: new Uint8Array(32),
          serverKey: new Uint8Array(32),
        },
        finish: async (proved: boolean) => (proved ? user : null),
      }),
    },
    vouched: { signInVouched: async () => null },
  }
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ maxLength: 60 }).map((text) => Buffer.from(text)),
    fc
      .array(
        fc.constantFrom(
          'n,,',
          'y,,',
          'p=tls-exporter,,',
          'n=u',
          ',r=a',
          ',',
          'c=biws',
          'p=',
          'AAAA',
          '\0',
          '\x01',
          'auth=Bearer x',
          'a==',
        ),
        {
          maxLength: 8,
        },
      )
      .map((parts) => Buffer.from(parts.join(''))),
  )
  const bound: TlsFacts = { ...tls, binding: () => new Uint8Array(32) }
  for (const mechanism of saslMechanisms({ ...tools, scramPlus: true, scramSha1: false, tokens }))
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 4 }), async (responses) => {
        const authenticator = { verifyPassword: async () => null }
        const exchange = mechanism.begin({ authenticator, peer, tls: bound })
        for (const response of responses) {
          try {
            const answer = await exchange.step(response)
            if (!(answer instanceof Uint8Array)) return assert.equal(answer, null)
          } catch (error) {
            return assert.ok(error instanceof Refusal, String(error))
          }
        }
      }),
      { numRuns: 300 },
    )
})
