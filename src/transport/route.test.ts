import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainDestination, parseHost, type HostDestination } from '../mail/destination.ts'
import { seededRandom } from '../platform/simulated/random.ts'
import { simulatedResolver, type ZoneEntry } from '../platform/simulated/resolver.ts'
import type { AddressFamilies } from './address-order.ts'
import { routeTo, type Host, type Routed } from './route.ts'
import type { StaticRoute } from './static-routes.ts'

interface Case {
  readonly zone?: Readonly<Record<string, ZoneEntry>>
  readonly fails?: readonly string[]
  readonly routes?: readonly StaticRoute[]
  readonly ours?: readonly string[]
  readonly families?: AddressFamilies
  readonly sender?: string
  readonly waitedMs?: number
}

function route(to: string | HostDestination, one: Case = {}): Promise<Routed> {
  const { zone = {}, fails = [], routes = [], ours = [], families: addressFamilies = 'ipv4First', sender = '' } = one
  const resolver = simulatedResolver({
    names: new Map(Object.entries(zone)),
    fails: (name) => fails.includes(name),
  })
  const isOurs = (address: string, port: number): boolean => port === 25 && ours.includes(address)
  const tools = { resolver, random: seededRandom(1), routes, hostname: 'us.example', smtpPort: 25, addressFamilies }
  const destination = typeof to === 'string' ? domainDestination(to) : to
  return routeTo({ ...tools, isOurs }, destination, sender, one.waitedMs ?? 0)
}

async function hosts(destination: string | HostDestination, one: Case = {}): Promise<readonly Host[]> {
  const routed = await route(destination, one)
  assert.equal(routed.kind, 'hosts', JSON.stringify(routed))
  return routed.kind === 'hosts' ? routed.hosts : []
}

async function places(destination: string | HostDestination, one: Case = {}): Promise<string[]> {
  return (await hosts(destination, one)).map(({ name, port }) => `${name}:${port}`)
}

async function status(destination: string, one: Case = {}): Promise<string> {
  const routed = await route(destination, one)
  return routed.kind === 'hosts' ? `hosts ${routed.hosts.map(({ name }) => name).join()}` : routed.status.enhanced
}

const two = {
  'b.example': {
    mx: [
      { preference: 20, exchange: 'second.b.example' },
      { preference: 10, exchange: 'first.b.example' },
    ],
  },
  'first.b.example': { addresses: ['192.0.2.1'] },
  'second.b.example': { addresses: ['192.0.2.2'] },
}
const relay = { hosts: [{ host: '10.0.0.9', port: 587 }], tls: 'required' as const }

test('MX hosts by preference; without MX the domain itself; IDN by its A-label; address literals', async () => {
  assert.deepEqual(await places('b.example', { zone: two }), ['first.b.example:25', 'second.b.example:25'])
  assert.deepEqual(await places('c.example', { zone: { 'c.example': { addresses: ['192.0.2.3'] } } }), ['c.example:25'])
  const idn = { 'xn--bcher-kva.example': { addresses: ['192.0.2.4'] } }
  assert.deepEqual(await places('Bücher.example', { zone: idn }), ['xn--bcher-kva.example:25'])
  assert.deepEqual(
    (await hosts('[192.0.2.5]')).map(({ addresses }) => addresses),
    [['192.0.2.5']],
  )
  assert.deepEqual(
    (await hosts('[IPv6:2001:db8::5]')).map(({ addresses }) => addresses),
    [['2001:db8::5']],
  )
})

test('families alternate, or only one is used', async () => {
  const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1', '2001:db8::2']
  const zone = { 'c.example': { addresses } }
  const tried = async (families: AddressFamilies): Promise<string> =>
    (await hosts('c.example', { zone, families }))[0]!.addresses.map((one) => (one.includes(':') ? '6' : '4')).join('')
  assert.equal(await tried('ipv4First'), '46464')
  assert.equal(await tried('ipv6First'), '64644')
  assert.equal(await tried('ipv4'), '444')
  assert.equal(await tried('ipv6'), '66')
  const all = (await hosts('c.example', { zone }))[0]!.addresses
  assert.deepEqual([...all].sort(), addresses)
  assert.equal(await status('d.example', { zone: { 'd.example': { addresses: ['::1'] } }, families: 'ipv4' }), '5.4.4')
})

test('a host with a thousand addresses, a domain with a thousand hosts: ten each', async () => {
  const many = Array.from({ length: 1000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`)
  const zone: Record<string, ZoneEntry> = {
    'b.example': { mx: many.map((_, n) => ({ preference: n, exchange: `m${n}.b.example` })) },
  }
  for (const n of many.keys()) zone[`m${n}.b.example`] = { addresses: many }
  const found = await hosts('b.example', { zone })
  assert.deepEqual([found.length, found[0]!.addresses.length], [10, 10])
})

test('never: null MX, no such domain, no address; later: the DNS is silent', async () => {
  const nothing = { 'n.example': { mx: [{ preference: 0, exchange: '' }] } }
  assert.equal(await status('n.example', { zone: nothing }), '5.1.10')
  assert.equal(await status('nowhere.example'), '5.1.2')
  const dangling = { 'b.example': two['b.example'] }
  assert.equal(await status('b.example', { zone: dangling }), '5.1.2')
  assert.equal(await status('b.example', { zone: two, fails: ['b.example'] }), '4.4.3')
  const { 'second.b.example': _, ...firstOnly } = two
  assert.equal(await status('b.example', { zone: firstOnly, fails: ['first.b.example'] }), '4.4.3')
  assert.deepEqual(await places('b.example', { zone: two, fails: ['first.b.example'] }), ['second.b.example:25'])
})

test('hosts no better than ours are not used, whether recognised by our name or our address', async () => {
  const asSecond = { ...two, 'b.example': { mx: [...two['b.example'].mx, { preference: 15, exchange: 'us.example' }] } }
  assert.deepEqual(await places('b.example', { zone: asSecond }), ['first.b.example:25'])
  assert.deepEqual(await places('b.example', { zone: two, ours: ['192.0.2.2'] }), ['first.b.example:25'])
  assert.equal(await status('b.example', { zone: two, ours: ['192.0.2.1'] }), '5.4.6')
  assert.equal(await status('[192.0.2.1]', { ours: ['192.0.2.1'] }), '5.4.6')
  // We are the backup, and the better host cannot be resolved now.
  assert.equal(await status('b.example', { zone: two, ours: ['192.0.2.2'], fails: ['first.b.example'] }), '4.4.3')
  // A route to another port of this machine is another server.
  const local = { domain: '*', hosts: [{ host: '192.0.2.1', port: 2525 }], tls: 'none' as const }
  assert.deepEqual(await places('b.example', { routes: [local], ours: ['192.0.2.1'] }), ['192.0.2.1:2525'])
  const circle = { ...local, hosts: [{ host: '192.0.2.1', port: 25 }] }
  assert.equal(await status('b.example', { routes: [circle], ours: ['192.0.2.1'] }), '5.4.6')
})

test('authenticated: names by MX or by the configuration, addresses by their own records', async () => {
  const signed = {
    'b.example': { mx: [{ preference: 1, exchange: 'm.b.example' }], secure: true },
    'm.b.example': { addresses: ['192.0.2.1'], secure: true },
  }
  const facts = async (zone: Readonly<Record<string, ZoneEntry>>, routes: readonly StaticRoute[] = []) => {
    const [host] = await hosts('b.example', { zone, routes })
    return [host!.nameSecure, host!.addressesSecure, host!.domain]
  }
  assert.deepEqual(await facts(signed), [true, true, 'b.example'])
  assert.deepEqual(await facts({ ...signed, 'b.example': { ...signed['b.example'], secure: false } }), [
    false,
    true,
    'b.example',
  ])
  assert.deepEqual(await facts({ ...signed, 'm.b.example': { addresses: ['192.0.2.1'] } }), [true, false, 'b.example'])
  const to = { domain: '*', hosts: [{ host: 'm.b.example', port: 25 }], tls: 'opportunistic' as const }
  assert.deepEqual(await facts(signed, [to]), [true, true, undefined])
})

test('the most specific route wins: by domain, then by sender', async () => {
  const named = (host: string, domain: string, sender?: string): StaticRoute => ({
    domain,
    sender,
    hosts: [{ host: `10.0.0.${host}`, port: 25 }],
    tls: 'opportunistic',
  })
  const routes = [
    named('1', '*'),
    named('2', '*', '@a.example'),
    named('3', '*', 'boss@a.example'),
    named('4', '*.b.example'),
    named('5', '*.eu.b.example'),
    named('6', 'b.example'),
    named('7', 'b.example', '@a.example'),
  ]
  const at = async (destination: string, sender = ''): Promise<string> =>
    (await places(destination, { routes, sender })).join()
  assert.equal(await at('c.example'), '10.0.0.1:25')
  assert.equal(await at('c.example', 'pat@A.example'), '10.0.0.2:25')
  assert.equal(await at('c.example', 'Boss@a.example'), '10.0.0.3:25')
  assert.equal(await at('c.example', 'pat@sub.a.example'), '10.0.0.1:25')
  assert.equal(await at('x.b.example', 'boss@a.example'), '10.0.0.4:25')
  assert.equal(await at('x.eu.b.example'), '10.0.0.5:25')
  assert.equal(await at('b.example'), '10.0.0.6:25')
  assert.equal(await at('b.example', 'boss@a.example'), '10.0.0.7:25')
})

test('several hosts of a route in their order; those without address are skipped', async () => {
  const hosts = ['first.b.example', 'gone.example', 'second.b.example'].map((host) => ({ host, port: 587 }))
  const routes = [{ domain: '*', hosts, tls: 'required' as const }]
  assert.deepEqual(await places('x.example', { zone: two, routes }), ['first.b.example:587', 'second.b.example:587'])
})

test('a route without hosts says how the MX hosts are reached', async () => {
  const routes = [{ domain: 'b.example', hosts: [], tls: 'required' as const, sourceAddresses: ['10.0.0.1'] }]
  const zone = { ...two, 'first.b.example': { addresses: ['2001:db8::1', '192.0.2.1'] } }
  const [first] = await hosts('b.example', { zone, routes })
  assert.deepEqual(
    [first!.name, first!.tls, first!.localAddresses, first!.addresses, first!.domain, first!.nameSecure],
    ['first.b.example', 'required', ['10.0.0.1'], ['192.0.2.1'], 'b.example', false],
  )
})

test('a fallback comes after the MX hosts, and alone if the DNS does not answer; never for a domain that accepts no mail', async () => {
  const routes = [{ domain: '*', ...relay, fallback: true }]
  const behind = await hosts('b.example', { zone: two, routes })
  assert.deepEqual(
    behind.map(({ name, fallback }) => [name, fallback]),
    [
      ['first.b.example', undefined],
      ['second.b.example', undefined],
      ['10.0.0.9', true],
    ],
  )
  assert.deepEqual(await places('b.example', { routes, fails: ['b.example'] }), ['10.0.0.9:587'])
  assert.equal(await status('nowhere.example', { routes }), '5.1.2')
  const patient = [{ ...routes[0]!, fallbackAfterMs: 3600_000 }]
  assert.equal(await status('b.example', { routes: patient, fails: ['b.example'], waitedMs: 3599_999 }), '4.4.3')
  const late = { routes: patient, fails: ['b.example'], waitedMs: 3600_000 }
  assert.deepEqual(await places('b.example', late), ['10.0.0.9:587'])
})

test('rerouted by an operator: with the settings that the route of this sender has for the host', async () => {
  const to = parseHost('10.0.0.9:587')!
  const routes = [
    { domain: 'x.example', ...relay, username: 'all' },
    { domain: '*', sender: '@a.example', ...relay, username: 'ours' },
  ]
  const user = async (sender: string): Promise<unknown> => (await hosts(to, { routes, sender }))[0]!.username
  assert.equal(await user('pat@c.example'), 'all')
  assert.equal(await user('pat@a.example'), 'ours')
  const [plain] = await hosts(parseHost('10.0.0.8')!, { routes })
  assert.deepEqual([plain!.port, plain!.tls, plain!.username], [25, 'opportunistic', undefined])
})

test('a proxy that looks names up is given the name, without a lookup here', async () => {
  const proxy = { host: 'proxy.example', port: 1080, resolvesNames: true }
  const routes = [{ domain: '*', hosts: [{ host: 'mail.inside.example', port: 25 }], tls: 'none' as const, proxy }]
  assert.deepEqual((await hosts('b.example', { routes }))[0]!.addresses, ['mail.inside.example'])
  const others = routes.map((one) => ({ ...one, proxy: { ...proxy, resolvesNames: false } }))
  assert.equal(await status('b.example', { routes: others }), '5.1.2')
})
