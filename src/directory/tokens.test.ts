import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import type { Clock } from '../base/clock.ts'
import type { HttpQuestion } from '../base/http-client.ts'
import { silentLog } from '../base/log.ts'
import { Refusal } from '../mail/status.ts'
import { oauthDefaults, type OAuthOptions } from './options.ts'
import { IssuerTokens } from './tokens.ts'

const startMs = Date.UTC(2024, 0, 15)
const issuer = 'https://login.example.org'
const url = `${issuer}/jwks.json`

function world(options: Partial<OAuthOptions>) {
  const state = {
    nowMs: startMs,
    asked: [] as HttpQuestion[],
    answer: ((): unknown => undefined) as (question: HttpQuestion) => unknown,
  }
  const clock: Clock = {
    now: () => state.nowMs,
    monotonic: () => state.nowMs,
    after: () => ({ cancel() {} }),
    soon: queueMicrotask,
  }
  const files = { read: async (path: string) => (path === 'secret' ? Buffer.from('s:3cret\n') : undefined) }
  const http = {
    async ask(question: HttpQuestion) {
      state.asked.push(question)
      const body = state.answer(question)
      if (body === undefined) throw new Error('nobody there')
      return { status: 200, body: Buffer.from(JSON.stringify(body)) }
    },
  }
  const tokens = new IssuerTokens({
    options: { ...oauthDefaults, issuer, audience: 'mail', ...options },
    clock,
    files: files as never,
    http,
    log: silentLog,
  })
  return { tokens, state }
}

async function keyPair(kid: string, alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const sign = (claims: JWTPayload, change: (jwt: SignJWT) => SignJWT = (jwt) => jwt): Promise<string> =>
    change(
      new SignJWT(claims)
        .setProtectedHeader({ alg, kid })
        .setIssuer(issuer)
        .setAudience('mail')
        .setExpirationTime(startMs / 1000 + 600),
    ).sign(privateKey)
  return { jwk: { ...(await exportJWK(publicKey)), kid, alg }, sign }
}

const invalid = { fault: 'invalid_token' }
/** The issuer did make it, so it was not guessed. */
const old = { ...invalid, authentic: true }

test('a signed token names the account; every claim counts', async () => {
  const one = await keyPair('one')
  const { tokens, state } = world({ jwks: url })
  state.answer = () => ({ keys: [one.jwk] })
  const check = (token: string) => tokens.verifyToken(token)
  const email = 'alice@a.example'
  assert.deepEqual(await check(await one.sign({ email })), { address: email })
  assert.deepEqual(await check(await one.sign({ email, email_verified: true })), { address: email })
  assert.deepEqual(await check(await one.sign({ email, email_verified: false })), old)
  assert.deepEqual(await check(await one.sign({ sub: email })), old)
  assert.deepEqual(await check(await one.sign({ email: 7 })), old)
  assert.deepEqual(await check(await one.sign({ email }, (jwt) => jwt.setIssuer('https://evil.example'))), invalid)
  assert.deepEqual(await check(await one.sign({ email }, (jwt) => jwt.setAudience('wiki'))), invalid)
  assert.deepEqual(await check(await one.sign({ email }, (jwt) => jwt.setExpirationTime(startMs / 1000 - 60))), old)
  assert.deepEqual(await check(await one.sign({ email }, (jwt) => jwt.setNotBefore(startMs / 1000 + 60))), invalid)
  const token = await one.sign({ email })
  assert.deepEqual(await check(`${token.slice(0, -6)}AAAAAA`), invalid)
  const expired = await one.sign({ email }, (jwt) => jwt.setExpirationTime(startMs / 1000 - 60))
  assert.deepEqual(await check(`${expired.slice(0, -6)}AAAAAA`), invalid)
  assert.deepEqual(await check(token.slice(0, 40)), invalid)
  assert.deepEqual(await check('x'.repeat(20_000)), invalid)
  // Not signed at all; signed with the public key as a secret.
  const claims = { email, iss: issuer, aud: 'mail', exp: startMs / 1000 + 600 }
  assert.deepEqual(await check(new UnsecuredJWT(claims).encode()), invalid)
  const shared = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'one' })
    .sign(Buffer.from(JSON.stringify(one.jwk)))
  assert.deepEqual(await check(shared), invalid)
  assert.equal(state.asked.length, 1, 'the keys are asked for once')
})

test('a token without an end is none', async () => {
  const { tokens, state } = world({ jwks: url })
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'two' }
  state.answer = () => ({ keys: [jwk] })
  const endless = await new SignJWT({ email: 'alice@a.example' })
    .setProtectedHeader({ alg: 'ES256', kid: 'two' })
    .setIssuer(issuer)
    .setAudience('mail')
    .sign(privateKey)
  assert.deepEqual(await tokens.verifyToken(endless), invalid)
})

test('new keys are fetched for a token that names one, but not for every unknown one', async () => {
  const [one, two, stranger] = await Promise.all([keyPair('one'), keyPair('two', 'RS256'), keyPair('stranger')])
  const { tokens, state } = world({ jwks: url })
  state.answer = () => ({ keys: [one.jwk] })
  const email = 'alice@a.example'
  await tokens.verifyToken(await one.sign({ email }))
  state.answer = () => ({ keys: [one.jwk, two.jwk] })
  state.nowMs += 40_000
  assert.deepEqual(await tokens.verifyToken(await two.sign({ email })), { address: email })
  assert.equal(state.asked.length, 2)
  for (let at = 0; at < 20; at++) assert.deepEqual(await tokens.verifyToken(await stranger.sign({ email })), invalid)
  assert.equal(state.asked.length, 2)
  // The issuer is down for a while: the keys we have stay in use.
  state.nowMs += 3_600_000
  state.answer = () => undefined
  const later = await one.sign({ email }, (jwt) => jwt.setExpirationTime(state.nowMs / 1000 + 60))
  assert.deepEqual(await tokens.verifyToken(later), { address: email })
})

test('before there are any keys it is a failure of ours, not of the user', async () => {
  const { tokens } = world({ jwks: url })
  const one = await keyPair('one')
  await assert.rejects(tokens.verifyToken(await one.sign({ email: 'a@a.example' })), (error) => {
    assert.ok(error instanceof Refusal)
    return error.status.code === 454
  })
})

test('a scope that is asked for must be there; hints tell clients where to go', async () => {
  const one = await keyPair('one')
  const { tokens, state } = world({ jwks: url, scope: 'mail', claim: 'preferred_username' })
  state.answer = () => ({ keys: [one.jwk] })
  const name = { preferred_username: 'alice@a.example' }
  assert.deepEqual(await tokens.verifyToken(await one.sign({ ...name, scope: 'openid' })), {
    fault: 'insufficient_scope',
    authentic: true,
  })
  assert.deepEqual(await tokens.verifyToken(await one.sign({ ...name, scope: 'openid mail' })), {
    address: 'alice@a.example',
  })
  assert.deepEqual(tokens.hints, {
    scope: 'mail',
    'openid-configuration': 'https://login.example.org/.well-known/openid-configuration',
  })
})

test('introspection: the issuer is asked, with our secret, and its answer kept for a minute', async () => {
  const { tokens, state } = world({
    introspection: `${issuer}/introspect`,
    clientId: 'penny post',
    clientSecretFile: 'secret',
  })
  const good = { active: true, email: 'alice@a.example', aud: ['wiki', 'mail'], iss: issuer }
  state.answer = () => good
  assert.deepEqual(await tokens.verifyToken('t+1'), { address: 'alice@a.example' })
  const { method, headers, body } = state.asked[0]!
  assert.equal(method, 'POST')
  assert.equal(body, 'token=t%2B1&token_type_hint=access_token')
  assert.equal(headers!['authorization'], `Basic ${Buffer.from('penny%20post:s%3A3cret').toString('base64')}`)
  state.answer = () => ({ active: false })
  assert.deepEqual(await tokens.verifyToken('t+1'), { address: 'alice@a.example' })
  state.nowMs += 61_000
  assert.deepEqual(await tokens.verifyToken('t+1'), invalid)
  const others = [
    { ...good, aud: 'wiki' },
    { ...good, aud: undefined },
    { ...good, iss: 'https://evil.example' },
    { ...good, exp: startMs / 1000 - 1 },
    { ...good, active: 'true' },
    {},
  ]
  for (const [at, answer] of others.entries()) {
    state.answer = () => answer
    assert.deepEqual(await tokens.verifyToken(`other ${at}`), invalid)
  }
  state.answer = () => ({ ...good, email: '' })
  assert.deepEqual(await tokens.verifyToken('of nobody'), old)
  state.answer = () => undefined
  await assert.rejects(tokens.verifyToken('another'), Refusal)
})
