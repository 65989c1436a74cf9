/** Guesses of tokens are throttled like guesses of passwords. */
import type { AccountId } from '../mail/ids.ts'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Log } from '../base/log.ts'
import { Refusal } from '../mail/status.ts'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { oauthBearer } from '../protocol/sasl/oauth.ts'
import { AccountAuthenticator } from './authenticator.ts'
import { authDefaults } from './options.ts'
import { StoreDirectory } from './store-directory.ts'
import type { Verified } from './tokens.ts'

const alice = { id: 1 as AccountId, name: 'alice@a.example', disabled: false }

function world() {
  const clock = new SimulatedClock(0)
  const lines: string[] = []
  const log: Log = {
    debug() {},
    info: (event, { user, reason } = {}) => void lines.push(`${event}: ${String(user)}: ${String(reason)}`),
    warn() {},
    error() {},
  }
  const source = {
    isLocalDomain: () => true,
    user: async (name: string) => (name === alice.name ? { ...alice, quotaBytes: 0 } : undefined),
    alias: async () => undefined,
    address: async () => ({}),
    credentials: async () => [],
  }
  const directory = new StoreDirectory(source, clock, () => {})
  const authenticator = new AccountAuthenticator({
    directory,
    clock,
    log,
    secret: randomBytes(32),
    options: { now: authDefaults },
  })
  const asked: string[] = []
  const answers = new Map<string, Verified>([
    ['good', { address: alice.name }],
    ['old', { fault: 'invalid_token', authentic: true }],
    ['of the wiki', { fault: 'insufficient_scope', authentic: true }],
  ])
  const tokens = authenticator.guarded({
    hints: { scope: 'mail' },
    async verifyToken(token) {
      asked.push(token)
      return answers.get(token) ?? { fault: 'invalid_token' }
    },
  })
  const mechanism = oauthBearer(tokens, authenticator)
  /** @returns 'in', 'no', or 'later' with what it took in virtual seconds. */
  const attempt = async (token: string, user = alice.name, address = '192.0.2.1'): Promise<string> => {
    const peer = { address, port: 40_000, localAddress: '192.0.2.2', localPort: 993 }
    const began = clock.monotonic()
    const header = user === '' ? 'n,,' : `n,a=${user},`
    const spaceless = token.replaceAll(' ', '.')
    answers.set(spaceless, answers.get(token) ?? { fault: 'invalid_token' })
    const request = Buffer.from(`${header}\x01auth=Bearer ${spaceless}\x01\x01`)
    let ended: string | undefined
    const running = mechanism
      .begin({ authenticator, peer, tls: null })
      .step(request)
      .then(
        (told) => (ended = told !== null && 'accountId' in (told as object) ? 'in' : 'no'),
        (error: unknown) => {
          assert.ok(error instanceof Refusal)
          ended = 'later'
        },
      )
    for (let i = 0; ended === undefined; i++) {
      assert.ok(i < 1000)
      await new Promise((resolve) => void setImmediate(resolve))
      if (ended === undefined) await clock.pass(1000)
    }
    await running
    const seconds = Math.round((clock.monotonic() - began) / 1000)
    return seconds === 0 ? ended : `${ended} after ${seconds}`
  }
  return { attempt, asked, lines, clock, answers }
}

test('wrong tokens for an account: three are free, then each waits twice as long, then none is looked at', async () => {
  const { attempt, asked, lines } = world()
  const told: string[] = []
  for (let at = 0; at < 10; at++) told.push(await attempt(`guess${at}`))
  assert.deepEqual(told.slice(0, 4), ['no', 'no', 'no', 'no'])
  assert.match(told[4]!, /^no after [12]$/)
  assert.match(told[7]!, /^no after [89]$/)
  assert.deepEqual(told.slice(8), ['later', 'later'])
  assert.equal(asked.length, 8)
  assert.equal(lines.at(-1), 'sign-in refused: alice@a.example: too many failures')
  assert.equal(lines[0], 'sign-in failed: alice@a.example: wrong token')
  // No other client waits for that: another account from there, the same one from elsewhere.
  assert.equal(await attempt('x', 'bob@a.example'), 'no')
  assert.equal(await attempt('good', alice.name, '198.51.100.7'), 'in')
})

test('a good token forgets the bad ones before it, and the same bad one again counts once', async () => {
  const { attempt } = world()
  for (let at = 0; at < 20; at++) assert.equal(await attempt('stale'), 'no')
  assert.equal(await attempt('good'), 'in')
  for (let at = 0; at < 20; at++) assert.equal(await attempt(`guess${at}`), 'no', 'where she has signed in')
})

test('what the issuer made is no guess: a program tries its old tokens until it has a new one', async () => {
  const { attempt, lines, answers } = world()
  for (let at = 0; at < 30; at++) {
    answers.set(`old${at}`, { fault: 'invalid_token', authentic: true })
    assert.equal(await attempt(`old${at}`), 'no')
    assert.equal(await attempt('of the wiki'), 'no')
  }
  assert.equal(await attempt('good'), 'in')
  assert.deepEqual(lines.slice(0, 2), [
    'sign-in failed: alice@a.example: old token',
    'sign-in failed: alice@a.example: token for something else',
  ])
})

test('tokens without a name: no user waits for others at the same address, until it tries a list of them', async () => {
  const { attempt, asked } = world()
  for (let at = 0; at < 21; at++) assert.equal(await attempt(`guess${at}`, ''), 'no')
  assert.equal(await attempt('guess21', ''), 'later')
  assert.equal(asked.length, 21)
  assert.equal(await attempt('good', '', '198.51.100.7'), 'in')
})
