import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import 'reflect-metadata'
import { ExtendedKeyUsage } from '@peculiar/x509'
import { makeAuthority, type Pair } from '../../../test/stories/client-certificates.ts'
import { smtpServer, type SmtpServer, type SmtpServerOptions } from '../../../test/support/smtp-server.ts'
import { silentLog } from '../../base/log.ts'
import type { TlsaRecord } from '../../base/resolver.ts'
import { Wheel } from '../../base/wheel.ts'
import { realClock } from '../../platform/real/clock.ts'
import { realNetwork } from '../../platform/real/network.ts'
import { simulatedResolver, type ZoneEntry } from '../../platform/simulated/resolver.ts'
import { publicKeyOf } from '../../trust/dane/certificate-der.ts'
import type { StsPolicy } from '../../trust/mta-sts/policy.ts'
import type { Host } from '../route.ts'
import { assuranceOf, connect, type ConnectTools } from './connect.ts'
import { securityKey, TlsPolicyFault } from './tls-policy.ts'

const authority = await makeAuthority('everybody knows it')
const unknown = await makeAuthority('nobody knows it')
const usage = ExtendedKeyUsage.serverAuth
const names = ['mail.a.example']
const good = await authority.sign({ names, usage })
const strange = await unknown.sign({ names, usage })
const misnamed = await authority.sign({ names: ['other.example'], usage })

function tlsa(usage: number, selector: number, pem: string): TlsaRecord {
  const der = new X509Certificate(pem).raw
  const data = createHash('sha256')
    .update(selector === 0 ? der : publicKeyOf(der)!)
    .digest()
  return { usage, selector, matching: 1, data: Uint8Array.from(data) }
}

interface Case {
  readonly server: SmtpServerOptions
  readonly host?: Partial<Host>
  readonly tlsa?: readonly TlsaRecord[]
  readonly tlsaInsecure?: boolean
  readonly tlsaFails?: boolean
  readonly sts?: StsPolicy
}

interface Tried {
  /** What was verified, or the enhanced code of the fault. */
  readonly outcome: string
  readonly heard: readonly string[]
  readonly notes: readonly string[]
}

async function attempt(t: TestContext, one: Case): Promise<Tried> {
  const server: SmtpServer = await smtpServer(one.server)
  t.after(() => server.close())
  const host: Host = {
    name: 'mail.a.example',
    addresses: ['127.0.0.1'],
    port: server.port,
    tls: 'opportunistic',
    domain: 'a.example',
    nameSecure: true,
    addressesSecure: true,
    ...one.host,
  }
  const zone = new Map<string, ZoneEntry>()
  if (one.tlsa)
    zone.set(`_${server.port}._tcp.${host.canonicalName ?? host.name}`, { tlsa: one.tlsa, secure: !one.tlsaInsecure })
  const notes: string[] = []
  const tools: ConnectTools = {
    network: realNetwork,
    clock: realClock,
    wheel: new Wheel(realClock),
    log: silentLog,
    hostname: 'client.example',
    resolver: simulatedResolver({ names: zone, fails: () => one.tlsaFails === true }),
    authorities: { now: [authority.cert] },
    sts: { of: async () => ({ policy: one.sts }) },
    tlsNotes: { note: (_, { type }, failure = 'success' as never) => void notes.push(`${type} ${failure}`) },
  }
  try {
    const client = await connect(tools, host, '127.0.0.1')
    const outcome = assuranceOf(client)?.replace(/^\S+ \S+ ?/, '') ?? 'in clear'
    await client.quit()
    return { outcome: outcome === '' ? 'encrypted' : outcome, heard: server.heard, notes }
  } catch (error) {
    const outcome = error instanceof TlsPolicyFault ? error.enhanced : (error as Error).message
    return { outcome, heard: server.heard, notes }
  }
}

/** With nothing said after the handshake, and nothing but the hello before it. */
async function declines(t: TestContext, one: Case, enhanced: string, note?: string): Promise<void> {
  const { outcome, heard, notes } = await attempt(t, one)
  assert.equal(outcome, enhanced)
  assert.deepEqual(heard, ['EHLO client.example', ...(one.server.pair ? ['STARTTLS'] : [])].slice(0, heard.length))
  if (note !== undefined) assert.deepEqual(notes, [note])
}

const enforce: StsPolicy = { mode: 'enforce', mx: ['mail.a.example'], maxAgeS: 86_400 }
const withKnown = { pair: good }
const withStrange = { pair: strange }
const withRoot = (pair: Pair, root: string): SmtpServerOptions => ({
  pair: { cert: pair.cert + '\n' + root, key: pair.key },
})

test('opportunistic: encrypted if offered, in the clear if not, with any certificate', async (t) => {
  assert.equal((await attempt(t, { server: withStrange })).outcome, 'encrypted')
  assert.equal((await attempt(t, { server: {} })).outcome, 'in clear')
  const broken = await attempt(t, { server: { ...withStrange, breaksHandshake: true } })
  assert.equal(broken.outcome, 'in clear')
  assert.deepEqual(broken.notes, ['no-policy-found validation-failure'])
})

test('DANE: the right key is verified, by usage 3 and by usage 2', async (t) => {
  const right = await attempt(t, { server: withStrange, tlsa: [tlsa(3, 1, strange.cert)] })
  assert.deepEqual([right.outcome, right.notes], ['(DANE 3 1 1 verified)', ['tlsa success']])
  const anchored = withRoot(strange, unknown.cert)
  assert.equal(
    (await attempt(t, { server: anchored, tlsa: [tlsa(2, 0, unknown.cert)] })).outcome,
    '(DANE 2 0 1 verified)',
  )
  assert.equal(
    (
      await attempt(t, {
        server: withStrange,
        tlsa: [tlsa(3, 1, strange.cert)],
        host: { canonicalName: 'real.b.example' },
      })
    ).outcome,
    '(DANE 3 1 1 verified)',
  )
})

test('DANE: a wrong certificate, a stripped STARTTLS, a broken handshake and no DNS answer: later, and never in the clear', async (t) => {
  await declines(t, { server: withKnown, tlsa: [tlsa(3, 1, strange.cert)] }, '4.7.5', 'tlsa validation-failure')
  await declines(
    t,
    { server: withRoot(misnamed, authority.cert), tlsa: [tlsa(2, 0, authority.cert)] },
    '4.7.5',
    'tlsa certificate-host-mismatch',
  )
  await declines(t, { server: {}, tlsa: [tlsa(3, 1, strange.cert)] }, '4.7.10', 'tlsa starttls-not-supported')
  await declines(t, { server: { ...withStrange, breaksHandshake: true }, tlsa: [tlsa(3, 1, strange.cert)] }, '4.7.5')
  await declines(t, { server: withStrange, tlsaFails: true }, '4.7.5', 'no-policy-found dnssec-invalid')
})

test('DANE comes before MTA-STS: neither replaces the other', async (t) => {
  await declines(t, { server: withKnown, tlsa: [tlsa(3, 1, strange.cert)], sts: enforce }, '4.7.5')
  assert.equal(
    (await attempt(t, { server: withStrange, tlsa: [tlsa(3, 1, strange.cert)], sts: enforce })).outcome,
    '(DANE 3 1 1 verified)',
  )
})

test('TLSA records that are not authenticated do not count', async (t) => {
  const records = [tlsa(3, 1, strange.cert)]
  for (const host of [{ nameSecure: false }, { addressesSecure: false }])
    assert.equal((await attempt(t, { server: withKnown, tlsa: records, host })).outcome, 'encrypted')
  assert.equal((await attempt(t, { server: withKnown, tlsa: records, tlsaInsecure: true })).outcome, 'encrypted')
})

test('unusable TLSA records: encrypted with any certificate, or not sent', async (t) => {
  assert.equal((await attempt(t, { server: withStrange, tlsa: [tlsa(0, 1, good.cert)] })).outcome, 'encrypted')
  await declines(t, { server: {}, tlsa: [tlsa(1, 1, good.cert)] }, '4.7.10')
})

test('MTA-STS: a certificate for the name, from a known authority, at a host that the policy allows', async (t) => {
  const right = await attempt(t, { server: withKnown, sts: enforce })
  assert.deepEqual([right.outcome, right.notes], ['(MTA-STS verified)', ['sts success']])
  await declines(t, { server: withStrange, sts: enforce }, '4.7.5', 'sts certificate-not-trusted')
  await declines(t, { server: { pair: misnamed }, sts: enforce }, '4.7.5', 'sts certificate-host-mismatch')
  await declines(t, { server: {}, sts: enforce }, '4.7.10', 'sts starttls-not-supported')
  await declines(t, { server: { ...withKnown, breaksHandshake: true }, sts: enforce }, '4.7.5')
  const elsewhere = await attempt(t, { server: withKnown, sts: { ...enforce, mx: ['*.b.example'] } })
  assert.deepEqual([elsewhere.outcome, elsewhere.heard, elsewhere.notes], ['4.7.5', [], ['sts validation-failure']])
})

test('MTA-STS testing: everything is delivered, and failures are noted', async (t) => {
  const testing = { ...enforce, mode: 'testing' as const }
  const wrong = await attempt(t, { server: withStrange, sts: testing })
  assert.match(wrong.outcome, /^\(MTA-STS testing: .*/)
  assert.deepEqual(wrong.notes, ['sts certificate-not-trusted'])
  assert.equal((await attempt(t, { server: {}, sts: testing })).outcome, 'in clear')
  assert.equal((await attempt(t, { server: withKnown, sts: testing })).outcome, '(MTA-STS testing: verified)')
})

test('REQUIRETLS: by DNSSEC and a certificate, by DANE, or by MTA-STS; else the message bounces', async (t) => {
  const host = { demand: 'requireTls' as const }
  const unproved = { ...host, nameSecure: false }
  assert.equal((await attempt(t, { server: withKnown, host })).outcome, '(certificate verified)')
  assert.equal(
    (await attempt(t, { server: withStrange, host, tlsa: [tlsa(3, 1, strange.cert)] })).outcome,
    '(DANE 3 1 1 verified)',
  )
  assert.equal((await attempt(t, { server: withKnown, host: unproved, sts: enforce })).outcome, '(MTA-STS verified)')
  await declines(t, { server: withKnown, host: unproved }, '5.7.10')
  await declines(t, { server: withStrange, host }, '5.7.10')
  await declines(t, { server: {}, host }, '5.7.10')
  await declines(t, { server: withKnown, host: { ...host, tls: 'none' } }, '5.7.10')
})

test('TLS-Required: No: it arrives, whatever DANE and MTA-STS say; the demand of a route stays', async (t) => {
  const host = { demand: 'tlsOptional' as const }
  assert.equal((await attempt(t, { server: withKnown, host, tlsa: [tlsa(3, 1, strange.cert)] })).outcome, 'encrypted')
  assert.equal((await attempt(t, { server: {}, host, sts: enforce })).outcome, 'in clear')
  await declines(t, { server: {}, host: { ...host, tls: 'required' } }, '4.7.10')
})

test('connections are shared only by messages with the same required security', () => {
  const dane = (pem: string) =>
    securityKey({ kind: 'dane', records: [tlsa(3, 1, pem)], base: 'mail.a.example', names: [] })
  assert.notEqual(dane(good.cert), dane(strange.cert))
  assert.equal(dane(good.cert), dane(good.cert))
  assert.notEqual(securityKey({ kind: 'sts', policy: enforce }), securityKey({ kind: 'opportunistic' }))
})
