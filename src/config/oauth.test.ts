import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from './fault.ts'
import { parseConfig } from './load.ts'

async function faultsOf(text: string): Promise<string[]> {
  try {
    await parseConfig(text, '/etc/f')
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.faults.map((fault) => fault.text)
  }
}

test('tokens by keys: paths are made absolute, URLs stay', async () => {
  const common = '[oauth]\nissuer = "https://i.example"\naudience = "mail"\n'
  assert.equal((await parseConfig(`${common}jwks = "keys.json"`, '/etc/f')).oauth.jwks, '/etc/keys.json')
  assert.equal((await parseConfig(`${common}jwks = "https://i.example/k"`, '/etc/f')).oauth.jwks, 'https://i.example/k')
  assert.equal(
    (await parseConfig('[auth]\nclientCertificates = "ca.pem"', '/etc/f')).auth.clientCertificates,
    '/etc/ca.pem',
  )
  assert.equal((await parseConfig('[auth]\ntrustMs = "365d"', '/etc/f')).auth.trustMs, 365 * 86_400_000)
})

const cases: readonly (readonly [string, RegExp])[] = [
  ['jwks = "k.json"\naudience = "mail"', /oauth\.jwks needs oauth\.issuer/],
  ['jwks = "k.json"\nissuer = "https://i.example"', /oauth\.jwks needs oauth\.audience/],
  ['jwks = "http://i.example/k"\nissuer = "i"\naudience = "a"', /used without TLS/],
  ['introspection = "http://i.example/i"', /used without TLS/],
  ['introspection = "i.example"', /must be a URL/],
  ['introspection = "https://i.example/i"\nclientId = "x"', /belong together/],
  [
    'jwks = "k"\nintrospection = "https://i.example"\nissuer = "i"\naudience = "a"',
    /either by jwks or by introspection/,
  ],
  ['issuer = "https://i.example"', /no effect without jwks or introspection/],
]

for (const [text, fault] of cases)
  test(`[oauth] ${text.replaceAll('\n', ', ')}`, async () => {
    const [first, ...more] = await faultsOf(`[oauth]\n${text}`)
    assert.match(first ?? '', fault)
    assert.deepEqual(more, [])
  })

test('http is fine to this machine', async () => {
  for (const host of ['127.0.0.1:8080', '[::1]', 'localhost'])
    assert.deepEqual(await faultsOf(`[oauth]\nintrospection = "http://${host}/i"`), [], host)
})
