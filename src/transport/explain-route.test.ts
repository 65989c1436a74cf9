import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock } from '../platform/real/clock.ts'
import { seededRandom } from '../platform/simulated/random.ts'
import { simulatedResolver, type ZoneEntry } from '../platform/simulated/resolver.ts'
import type { StsPolicy } from '../trust/mta-sts/policy.ts'
import type { StaticRoute } from './static-routes.ts'
import { explainRoute } from './explain-route.ts'

interface Case {
  readonly zone?: Readonly<Record<string, ZoneEntry>>
  readonly policy?: StsPolicy
  readonly routes?: readonly StaticRoute[]
}

async function words({ zone = {}, policy, routes = [] }: Case): Promise<string[]> {
  const resolver = simulatedResolver({ names: new Map(Object.entries(zone)), fails: () => false })
  const sts = { of: async () => ({ policy }) }
  const tools = { resolver, sts, clock: realClock, random: seededRandom(1), routes, hostname: 'us.example' }
  const way = await explainRoute({ ...tools, smtpPort: 25, addressFamilies: 'ipv4First' }, 'b.example', 'pat@a.example')
  if (way.kind !== 'hosts') return [`${way.kind}: ${way.words}`]
  return way.hosts.map(({ name, security, words }) => `${name}: ${security}: ${words}`)
}

const zone = {
  'b.example': { mx: [{ preference: 1, exchange: 'mx.b.example' }], secure: true },
  'mx.b.example': { addresses: ['192.0.2.1'], secure: true },
}
const tlsa = [{ usage: 3, selector: 1, matching: 1, data: new Uint8Array(32) }]
const policy = { mode: 'enforce', mx: ['mx.b.example'], maxAgeS: 86_400 } as const

test('the required security of a connection, in words', async () => {
  assert.deepEqual(await words({ zone }), ['mx.b.example: opportunistic: encrypted if the host can'])
  assert.deepEqual(await words({ zone: { ...zone, '_25._tcp.mx.b.example': { tlsa, secure: true } } }), [
    'mx.b.example: dane: encrypted, with what the DNS says: DANE 3 1 1',
  ])
  assert.deepEqual(await words({ zone, policy }), [
    'mx.b.example: sts: encrypted, with a certificate for mx.b.example: MTA-STS of b.example',
  ])
  assert.deepEqual(await words({ zone, policy: { ...policy, mx: ['other.example'] } }), [
    'mx.b.example: impossible: The MTA-STS policy of b.example does not allow this host',
  ])
  assert.match((await words({ zone, policy: { ...policy, mode: 'testing' } }))[0]!, /is being tested$/)
  assert.deepEqual(await words({}), ['never: 550 5.1.2 The domain does not exist or has no mail host'])
})

test('the effect of routes', async () => {
  const to = (tls: StaticRoute['tls'], address: string): StaticRoute[] => [
    { domain: '*', sender: '@a.example', hosts: [{ host: address, port: 587 }], tls },
  ]
  assert.deepEqual(await words({ routes: to('required', '192.0.2.9') }), [
    '192.0.2.9: name: encrypted, with a certificate for 192.0.2.9',
  ])
  assert.deepEqual(await words({ routes: to('none', '192.0.2.9') }), [
    '192.0.2.9: none: in clear, as the route wants it',
  ])
  assert.deepEqual(await words({ routes: to('required', '127.0.0.1') }), [
    '127.0.0.1: encrypted: encrypted, the certificate is not checked',
  ])
})
