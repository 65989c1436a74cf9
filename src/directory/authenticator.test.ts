import type { AccountId } from '../mail/ids.ts'
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Refusal } from '../mail/status.ts'
import { formatAppPassword } from './app-password.ts'
import { AccountAuthenticator, canonicalName } from './authenticator.ts'
import { HashQueue } from './hashing.ts'
import { authDefaults } from './options.ts'
import { hashPassword } from './password.ts'
import { parseScramKeys, scramIterations, scramKeys, type ScramHash } from './scram-keys.ts'
import { StoreDirectory, type DirectoryRows } from './store-directory.ts'

const clock: Clock = {
  now: () => 1_700_000_000_000,
  monotonic: () => 0,
  after: () => ({ cancel() {} }),
  soon: queueMicrotask,
}
const peer = { address: '192.0.2.1', port: 40_000, localAddress: '192.0.2.2', localPort: 993 }
const secret = Buffer.alloc(32, 1)

interface Row {
  id: AccountId
  name: string
  disabled: boolean
  credentials: { type: string; name: string; value: string }[]
}

async function make(password = 'correct horse') {
  const alice: Row = {
    id: 1 as AccountId,
    name: 'alice@a.example',
    disabled: false,
    credentials: [
      { type: 'argon2id', name: '', value: await hashPassword(password) },
      { type: 'scram-sha-256', name: '', value: await scramKeys(password) },
      { type: 'app', name: 'Phone', value: formatAppPassword('abcd-efgh-jkmn-pqrs', 5) },
    ],
  }
  const bare: Row = { id: 2 as AccountId, name: 'bare@a.example', disabled: false, credentials: [] }
  const rows = [alice, bare]
  const source: DirectoryRows = {
    isLocalDomain: (domain) => domain === 'a.example',
    user: async (name) => {
      const row = rows.find((row) => row.name === name)
      return row && { ...row, quotaBytes: 0 }
    },
    alias: async () => undefined,
    address: async (name) => ({ account: await source.user(name) }),
    credentials: async (id, type) => rows.find((row) => row.id === id)!.credentials.filter((one) => one.type === type),
  }
  const lines: string[] = []
  const log: Log = {
    debug() {},
    info: (event, facts) => void lines.push(`${event} ${JSON.stringify(facts)}`),
    warn() {},
    error() {},
  }
  const used: string[] = []
  const directory = new StoreDirectory(source, clock, (_, name, atMs) => {
    used.push(`${name} ${atMs}`)
    alice.credentials.push({ type: 'app-used', name, value: String(atMs) })
  })
  const again = (): AccountAuthenticator =>
    new AccountAuthenticator({
      directory,
      clock,
      log,
      secret,
      options: { now: { ...authDefaults, failuresFree: 1000 } },
    })
  return { alice, bare, lines, used, authenticator: again(), again }
}

/** A client's proof for keys; `key` is the client key that it uses. */
async function prove(authenticator: AccountAuthenticator, user: string, password: string, hash: ScramHash = 'sha-256') {
  const attempt = await authenticator.scramAttempt(user, hash, peer)
  const { salt, iterations, storedKey } = attempt.keys
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const proved = createHash('sha256').update(clientKey).digest().equals(storedKey)
  return { attempt, proved }
}

/** An answer without its credential. */
function who(answer: { accountId: number; name: string } | null): object | null {
  return answer && { accountId: answer.accountId, name: answer.name }
}

test('the password, whatever the case of the name; a wrong one, and an unknown user', async () => {
  const { authenticator, lines } = await make()
  const signedIn = { accountId: 1, name: 'alice@a.example' }
  assert.deepEqual(who(await authenticator.verifyPassword('ALICE@a.EXAMPLE', 'correct horse', peer)), signedIn)
  assert.deepEqual(
    who(await authenticator.verifyPassword('alice@a.example', 'correct horse', peer)),
    signedIn,
    'remembered',
  )
  assert.equal(await authenticator.verifyPassword('alice@a.example', 'Correct horse', peer), null)
  assert.equal(await authenticator.verifyPassword('nobody@a.example', 'correct horse', peer), null)
  assert.equal(await authenticator.verifyPassword('bare@a.example', '', peer), null)
  assert.equal(await authenticator.verifyPassword('alice@a.example', 'x'.repeat(2000), peer), null)
  assert.equal(await authenticator.verifyPassword(`${'n'.repeat(500)}\u0000\n`, 'x', peer), null)
  const failed = lines.filter((line) => line.startsWith('sign-in failed'))
  assert.deepEqual([failed.length, lines.length], [5, 7])
  assert.equal(lines[0], 'signed in {"peer":"192.0.2.1","port":993,"user":"alice@a.example","by":"password"}')
  assert.match(authenticator.signIns.text(), /outcome="succeeded"\} 2\n[^]*outcome="failed"\} 5\n/)
  assert.equal(
    failed[0],
    'sign-in failed {"peer":"192.0.2.1","port":993,"user":"alice@a.example","by":"password","reason":"wrong password"}',
  )
  for (const line of lines) assert.ok(!line.includes('orrect horse') && line.length < 250, line)
})

test('a changed password ends what was remembered at once', async () => {
  const { authenticator, alice } = await make()
  assert.ok(await authenticator.verifyPassword('alice@a.example', 'correct horse', peer))
  alice.credentials[0]!.value = await hashPassword('another password')
  assert.equal(await authenticator.verifyPassword('alice@a.example', 'correct horse', peer), null)
  assert.ok(await authenticator.verifyPassword('alice@a.example', 'another password', peer))
})

test('app passwords: with and without hyphens, noted once a day, revoked at once', async () => {
  const { authenticator, alice, used } = await make()
  for (const typed of ['abcd-efgh-jkmn-pqrs', 'abcdefghjkmnpqrs', 'abcd efgh jkmn pqrs'])
    assert.ok(await authenticator.verifyPassword('alice@a.example', typed, peer), typed)
  assert.deepEqual(used, [`Phone ${clock.now()}`])
  assert.equal(await authenticator.verifyPassword('alice@a.example', 'abcd-efgh-jkmn-pqrt', peer), null)
  assert.ok(await authenticator.verifyPassword('alice@a.example', 'correct horse', peer), 'the password itself goes on')
  alice.credentials = alice.credentials.filter(({ type }) => type !== 'app')
  assert.equal(await authenticator.verifyPassword('alice@a.example', 'abcd-efgh-jkmn-pqrs', peer), null)
})

test('a disabled account fails like a wrong password, whichever way', async () => {
  const { authenticator, alice } = await make()
  assert.ok(await authenticator.verifyPassword('alice@a.example', 'correct horse', peer))
  const before = (await authenticator.scramAttempt('alice@a.example', 'sha-256', peer)).keys
  alice.disabled = true
  for (const password of ['correct horse', 'abcd-efgh-jkmn-pqrs'])
    assert.equal(await authenticator.verifyPassword('alice@a.example', password, peer), null)
  const { attempt, proved } = await prove(authenticator, 'alice@a.example', 'correct horse')
  assert.deepEqual(attempt.keys, before, 'the salt does not tell')
  assert.ok(proved)
  assert.equal(await attempt.finish(proved), null)
  assert.equal(await authenticator.signInVouched(['alice@a.example'], '', peer), null)
})

test('SCRAM: the right password, a wrong one, one that was changed in the middle', async () => {
  const { authenticator, alice } = await make()
  const right = await prove(authenticator, 'Alice@a.example', 'correct horse')
  assert.equal(right.attempt.keys.iterations, scramIterations)
  assert.deepEqual(await right.attempt.finish(right.proved), { accountId: 1, name: 'alice@a.example' })
  const wrong = await prove(authenticator, 'alice@a.example', 'wrong')
  assert.equal(await wrong.attempt.finish(wrong.proved), null)
  const late = await prove(authenticator, 'alice@a.example', 'correct horse')
  alice.credentials[1]!.value = await scramKeys('another password')
  assert.equal(await late.attempt.finish(true), null)
})

test('SCRAM: a name without an account has the same salt for ever, over restarts, and looks like the others', async () => {
  const { authenticator, again } = await make()
  const keys = async (one: AccountAuthenticator, name: string, hash: ScramHash = 'sha-256') =>
    (await one.scramAttempt(name, hash, peer)).keys
  const real = await keys(authenticator, 'alice@a.example')
  for (const name of ['nobody@a.example', 'bare@a.example', '', '\u0000']) {
    const fake = await keys(authenticator, name)
    assert.deepEqual(await keys(again(), name), fake)
    assert.equal(fake.iterations, real.iterations)
    assert.equal(fake.salt.length, real.salt.length)
    assert.equal(fake.storedKey.length, real.storedKey.length)
    assert.equal(await (await authenticator.scramAttempt(name, 'sha-256', peer)).finish(true), null)
  }
  assert.notDeepEqual(await keys(authenticator, 'a@a.example'), await keys(authenticator, 'b@a.example'))
  // No keys of that hash: like an unknown user.
  assert.equal((await keys(authenticator, 'alice@a.example', 'sha-1')).storedKey.length, 20)
})

test('vouched addresses: one account, the asked one, none, several', async () => {
  const { authenticator } = await make()
  const ask = (addresses: string[], asked: string) => authenticator.signInVouched(addresses, asked, peer)
  const alice = { accountId: 1, name: 'alice@a.example' }
  assert.deepEqual(await ask(['Alice@A.example'], ''), alice)
  assert.deepEqual(await ask(['elsewhere@b.example', 'alice@a.example'], ''), alice)
  assert.deepEqual(await ask(['bare@a.example', 'alice@a.example'], 'alice@a.example'), alice)
  assert.equal(await ask(['bare@a.example', 'alice@a.example'], ''), null)
  assert.equal(await ask(['bare@a.example'], 'alice@a.example'), null)
  assert.equal(await ask([], 'alice@a.example'), null)
  assert.equal(await ask([], ''), null)
})

test('names are prepared: case, width, what is invisible; what SASLprep forbids is an unknown user', () => {
  assert.equal(canonicalName('Alice@A.Example'), 'alice@a.example')
  assert.equal(canonicalName('al\u00adice@a.example'), 'alice@a.example')
  assert.equal(canonicalName('a\u0308@a.example'), 'ä@a.example')
  assert.equal(canonicalName('alice@bücher.example'), 'alice@xn--bcher-kva.example')
  assert.equal(canonicalName('al\u0007ice@a.example'), '')
})

test('stored SCRAM keys are read back, and nothing else is', async () => {
  assert.equal(parseScramKeys(await scramKeys('x', 'sha-1'), 'sha-1')!.storedKey.length, 20)
  assert.equal(parseScramKeys(await scramKeys('x'), 'sha-1'), undefined)
  for (const text of ['', 'SCRAM-SHA-256$x', 'SCRAM-SHA-256$1:AAAA$AAAA:AAAA'])
    assert.equal(parseScramKeys(text, 'sha-256'), undefined)
})

test('hashes take turns: a flood from one address delays another by one hash, and is itself cut', async (t: TestContext) => {
  const queue = new HashQueue()
  const order: string[] = []
  const gates: (() => void)[] = []
  const work = (from: string): Promise<void> =>
    queue.run(from, () => new Promise((resolve) => gates.push(() => (order.push(from), resolve()))))
  const refused: string[] = []
  const all: Promise<void>[] = []
  const start = (from: string): void =>
    void all.push(
      work(from).catch((error) => {
        assert.ok(error instanceof Refusal)
        refused.push(from)
      }),
    )
  for (let at = 0; at < 4200; at++) start('flood')
  start('owner')
  t.diagnostic(`${refused.length} refused`)
  while (gates.length > 0) {
    gates.shift()!()
    for (let turns = 0; turns < 4; turns++) await Promise.resolve()
  }
  await Promise.all(all)
  assert.equal(refused.length, 199)
  assert.ok(!refused.includes('owner'))
  assert.ok(order.indexOf('owner') <= 4, `the owner was served ${order.indexOf('owner')}th`)
})
