import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import type { TlsFacts } from '../../base/network.ts'
import type { ScramHash, ScramKeys } from './authenticator.ts'
import { chooseMechanism, SaslFault } from './client.ts'
import { offeredMechanisms } from './mechanism.ts'
import { scram } from './scram.ts'

const peer = { address: '192.0.2.1', port: 1, localAddress: '192.0.2.2', localPort: 143 }
const alice = { accountId: 7, name: 'user' }

function keysOf(hash: ScramHash, password: string, salt: string, iterations: number): ScramKeys {
  const [name, bytes] = hash === 'sha-1' ? (['sha1', 20] as const) : (['sha256', 32] as const)
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), iterations, bytes, name)
  const hmac = (text: string): Buffer => createHmac(name, salted).update(text).digest()
  return {
    salt: Buffer.from(salt, 'base64'),
    iterations,
    storedKey: createHash(name).update(hmac('Client Key')).digest(),
    serverKey: hmac('Server Key'),
  }
}

const tlsOf = (secret: string): TlsFacts => ({
  version: 'TLSv1.3',
  cipher: 'x',
  resumed: false,
  binding: (type) => createHash('sha256').update(`${type} ${secret}`).digest(),
})

interface Case {
  readonly hash: ScramHash
  readonly keys: ScramKeys
  readonly nonce: string
  readonly tls?: TlsFacts | null
  readonly plus?: boolean
}

/** One exchange on the server; what it says as text, how it ended as it is. */
function begin({ hash, keys, nonce, tls = null, plus = false }: Case) {
  const finished: boolean[] = []
  const asked: string[] = []
  const source = {
    async scramAttempt(user: string) {
      asked.push(user)
      const finish = async (proved: boolean) => {
        finished.push(proved)
        return proved ? alice : null
      }
      return { keys, finish }
    },
  }
  const mechanism = scram({ hash, source, nonce: () => nonce, plus: true }).find(
    ({ name }) => name.endsWith('-PLUS') === plus,
  )!
  const exchange = mechanism.begin({ authenticator: { verifyPassword: async () => null }, peer, tls })
  const say = async (text: string | undefined) => {
    const answer = await exchange.step(text === undefined ? undefined : Buffer.from(text))
    return answer instanceof Uint8Array ? Buffer.from(answer).toString() : answer
  }
  return { say, finished, asked }
}

// RFC 5802 §5 and RFC 7677 §3: user 'user', password 'pencil'.
const examples = [
  {
    hash: 'sha-1' as const,
    salt: 'QSXCR+Q6sek8bf92',
    clientNonce: 'fyko+d2lbbFgONRv9qkxdawL',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    verifier: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    hash: 'sha-256' as const,
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    verifier: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
]

for (const { hash, salt, clientNonce, serverNonce, proof, verifier } of examples) {
  const keys = keysOf(hash, 'pencil', salt, 4096)
  const nonce = clientNonce + serverNonce
  const first = `n,,n=user,r=${clientNonce}`

  test(`the example of SCRAM-${hash.toUpperCase()}, both sides`, async () => {
    const { say, finished, asked } = begin({ hash, keys, nonce: serverNonce })
    assert.equal(await say(undefined), '')
    assert.equal(await say(first), `r=${nonce},s=${salt},i=4096`)
    assert.equal(await say(`c=biws,r=${nonce},p=${proof}`), `v=${verifier}`)
    assert.equal(await say(''), alice)
    assert.deepEqual([finished, asked], [[true], ['user']])

    const credentials = { username: 'user', password: 'pencil', nonce: clientNonce }
    const client = chooseMechanism([`SCRAM-${hash.toUpperCase()}`, 'PLAIN'], credentials, {
      tls: null,
      plaintext: false,
    })!
    assert.equal(String(client.initial()), first)
    const answer = await client.answer(Buffer.from(`r=${nonce},s=${salt},i=4096`))
    assert.equal(String(answer), `c=biws,r=${nonce},p=${proof}`)
    assert.throws(() => client.succeeded(), SaslFault)
    assert.equal((await client.answer(Buffer.from(`v=${verifier}`))).length, 0)
    client.succeeded()
  })

  const wrong: readonly (readonly [string, string])[] = [
    ['a wrong proof', `c=biws,r=${nonce},p=${Buffer.alloc(proof.length > 30 ? 32 : 20).toString('base64')}`],
    ['a short proof', `c=biws,r=${nonce},p=AAAA`],
    ['no base64', `c=biws,r=${nonce},p=!`],
    ['a cut message', `c=biws,r=${nonce}`],
    ["another's nonce", `c=biws,r=${nonce}x,p=${proof}`],
    ['only the own nonce', `c=biws,r=${clientNonce},p=${proof}`],
    ['another binding', `c=eSws,r=${nonce},p=${proof}`],
    ['an extension it must know', `c=biws,r=${nonce},m=x,p=${proof}`],
    ['nothing', ''],
  ]
  for (const [title, final] of wrong)
    test(`SCRAM-${hash.toUpperCase()}: ${title} fails, and says no more`, async () => {
      const { say, finished } = begin({ hash, keys, nonce: serverNonce })
      await say(first)
      assert.equal(await say(final), null)
      assert.deepEqual(finished, [false])
    })
}

const keys = keysOf('sha-256', 'pencil', 'W22ZaJ0SNY7soEsUEjb6gQ==', 4096)

test('first messages that must fail never get as far as a user', async () => {
  const firsts = [
    '',
    'n=user,r=abc',
    'x,,n=user,r=abc',
    'n,,m=ext,n=user,r=abc',
    'n,,n=user,r=abc,m=ext',
    'n,,n=,r=abc',
    'n,,n=us=er,r=abc',
    'n,,n=us=2cer,r=abc',
    'n,,n=user,r=',
    'n,,n=user,r=a bc',
    'n,,n=user',
    'n,,r=abc,n=user',
    'n,a=boss,n=user,r=abc',
    `n,,n=user,r=${'x'.repeat(513)}`,
    'p=tls-exporter,,n=user,r=abc',
    'n,,n=us\0er,r=abc',
  ]
  for (const first of firsts) {
    const { say, asked } = begin({ hash: 'sha-256', keys, nonce: 'n' })
    assert.equal(await say(first), null, first)
    assert.deepEqual(asked, [], first)
  }
})

test('names are unquoted; optional extensions are passed over; the own name as authorization is fine', async () => {
  const { say, asked } = begin({ hash: 'sha-256', keys, nonce: 'N' })
  assert.match(String(await say('n,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=abc,x=whatever')), /^r=abcN,s=/)
  assert.deepEqual(asked, ['a,b=c'])
})

/** Both sides in memory, to the end. */
async function meet(offered: string[], clientTls: TlsFacts | null, serverTls: TlsFacts | null, password = 'pencil') {
  const client = chooseMechanism(offered, { username: 'user', password }, { tls: clientTls, plaintext: false })!
  const { say } = begin({ hash: 'sha-256', keys, nonce: 'server', tls: serverTls, plus: client.name.endsWith('-PLUS') })
  let heard = await say(String(client.initial()))
  for (let turns = 0; typeof heard === 'string' && turns < 5; turns++)
    heard = await say(String(await client.answer(Buffer.from(heard))))
  if (heard) client.succeeded()
  return { name: client.name, ended: heard }
}

test('-PLUS is taken where the channel can be bound, and fails with an attacker in the middle', async () => {
  const offered = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'PLAIN']
  const here = tlsOf('this connection')
  assert.deepEqual(await meet(offered, here, here), { name: 'SCRAM-SHA-256-PLUS', ended: alice })
  assert.deepEqual(await meet(offered, tlsOf('to the middle'), tlsOf('from the middle')), {
    name: 'SCRAM-SHA-256-PLUS',
    ended: null,
  })
  assert.deepEqual(await meet(offered, here, here, 'wrong'), { name: 'SCRAM-SHA-256-PLUS', ended: null })
  // Only the older binding on both sides.
  const endPoint: TlsFacts = { ...here, binding: (type) => (type === 'tls-exporter' ? undefined : here.binding!(type)) }
  assert.deepEqual(await meet(offered, endPoint, here), { name: 'SCRAM-SHA-256-PLUS', ended: alice })
})

test("a list without the -PLUS that was offered is noticed: 'y' fails where we can bind", async () => {
  const here = tlsOf('x')
  assert.deepEqual(await meet(['SCRAM-SHA-256'], here, here), { name: 'SCRAM-SHA-256', ended: null })
  const noBinding: TlsFacts = { ...here, binding: () => undefined }
  assert.deepEqual(await meet(['SCRAM-SHA-256'], here, noBinding), { name: 'SCRAM-SHA-256', ended: alice })
  assert.deepEqual(await meet(['SCRAM-SHA-256'], noBinding, here), { name: 'SCRAM-SHA-256', ended: alice })
})

test('-PLUS without a binding, with an unknown kind, or unbound is no -PLUS', async () => {
  for (const header of ['n,,', 'y,,', 'p=tls-unique,,', 'p=x,,']) {
    const { say, asked } = begin({ hash: 'sha-256', keys, nonce: 'n', tls: tlsOf('x'), plus: true })
    assert.equal(await say(`${header}n=user,r=abc`), null, header)
    assert.deepEqual(asked, [])
  }
})

test('a client refuses a server that does not know the password, repeats, or asks too little or too much', async () => {
  const make = () =>
    chooseMechanism(
      ['SCRAM-SHA-256'],
      { username: 'user', password: 'pencil', nonce: 'abc' },
      { tls: null, plaintext: false },
    )!
  for (const first of [
    'r=abc,s=QSXCR+Q6sek8bf92,i=4096',
    'r=xyzN,s=QSXCR+Q6sek8bf92,i=4096',
    'r=abcN,s=QSXCR+Q6sek8bf92,i=1',
    'r=abcN,s=QSXCR+Q6sek8bf92,i=999999999',
    'm=x,r=abcN,s=QSXCR+Q6sek8bf92,i=4096',
    'r=abcN,s=,i=4096',
    'e=other-error',
    '',
  ])
    await assert.rejects(make().answer(Buffer.from(first)), SaslFault, first)
  for (const final of ['v=AAAA', `v=${Buffer.alloc(32).toString('base64')}`, 'e=invalid-proof', '']) {
    const client = make()
    await client.answer(Buffer.from('r=abcN,s=QSXCR+Q6sek8bf92,i=4096'))
    await assert.rejects(client.answer(Buffer.from(final)), SaslFault, final)
  }
})

test('what is offered follows the channel: SCRAM in clear only where there is no TLS to be had', () => {
  const source = { scramAttempt: () => Promise.reject(new Error('not asked')) }
  const all = scram({ hash: 'sha-256', source, nonce: () => 'n', plus: true })
  const names = (tls: TlsFacts | null, startTls: boolean, plaintextAuth = false): string[] =>
    offeredMechanisms(all, { tls, startTls, plaintextAuth }).map(({ name }) => name)
  assert.deepEqual(names(null, true), [])
  assert.deepEqual(names(null, false), ['SCRAM-SHA-256'])
  assert.deepEqual(names(null, true, true), ['SCRAM-SHA-256'])
  assert.deepEqual(names(tlsOf('x'), false), ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'])
  assert.deepEqual(names({ ...tlsOf('x'), binding: () => undefined }, false), ['SCRAM-SHA-256'])
})
