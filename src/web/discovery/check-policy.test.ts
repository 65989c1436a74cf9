import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpClient } from '../../base/http-client.ts'
import { SimulatedClock } from '../../platform/simulated/clock.ts'
import { simulatedResolver, type ZoneEntry } from '../../platform/simulated/resolver.ts'
import { checkPolicy } from './check-policy.ts'
import { ownPolicy } from './published.ts'

const domain = 'example.org'
const host = 'mail.example.org'
const options = { mtaSts: 'enforce', mtaStsMaxAgeMs: 86_400_000, mtaStsHosts: [], tlsReportsTo: undefined } as const
const wanted = ownPolicy(host, options)

interface Scene {
  readonly served?: string | Error
  readonly mx?: readonly string[]
  readonly record?: boolean
}

async function look({ served = wanted, mx = [host], record = true }: Scene): Promise<string> {
  const names = new Map<string, ZoneEntry>([
    [domain, { mx: mx.map((exchange) => ({ preference: 10, exchange })) }],
    [`mta-sts.${domain}`, { addresses: ['192.0.2.1'] }],
  ])
  if (record) names.set(`_mta-sts.${domain}`, { txt: ['v=STSv1; id=1;'] })
  const http: HttpClient = {
    async ask() {
      if (served instanceof Error) throw served
      return { status: 200, contentType: 'text/plain', body: Buffer.from(served) }
    },
  }
  const resolver = simulatedResolver({ names, fails: () => false })
  const checked = await checkPolicy(domain, wanted, { resolver, http, clock: new SimulatedClock(0) })
  return checked ? `${checked.state}${checked.needed ? ', needed' : ''}: ${checked.found}` : 'nobody asks'
}

test('the policy as we serve it', async () => {
  assert.equal(await look({}), 'right: version: STSv1, mode: enforce, mx: mail.example.org, max_age: 86400')
})

test('without its record it is not fetched', async () => {
  assert.equal(await look({ record: false }), 'nobody asks')
})

test('the reason why senders cannot fetch it', async () => {
  const expired = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' })
  assert.equal(await look({ served: expired }), 'differs: certificate has expired')
  assert.equal(await look({ served: '<html>' }), 'differs: a line that is no field')
})

test('another policy than ours', async () => {
  const served = ownPolicy(host, { ...options, mtaSts: 'testing' })
  assert.match(await look({ served }), /^differs: .*mode: testing/)
})

test('an MX host that the policy does not name gets no mail from senders that enforce it', async () => {
  const mx = [host, 'backup.example.net']
  assert.match(await look({ mx }), /^differs, needed: .*; it does not name backup\.example\.net$/)
  assert.match(await look({ mx, served: ownPolicy(host, { ...options, mtaSts: 'testing' }) }), /^differs: /)
  assert.match(await look({ mx, served: ownPolicy(host, { ...options, mtaSts: 'none' }) }), /^differs: .*mode: none/)
})
