/** The whole system with real TLS: what DANE, MTA-STS, routes and senders demand of the way to others, and attacks on it. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import 'reflect-metadata'
import { ExtendedKeyUsage } from '@peculiar/x509'
import type { HttpClient } from '../../src/base/http-client.ts'
import type { TlsaRecord } from '../../src/base/resolver.ts'
import type { RouteConfig } from '../../src/config/config.ts'
import { simulatedResolver, type ZoneEntry } from '../../src/platform/simulated/resolver.ts'
import type { SmtpServerOptions } from '../support/smtp-server.ts'
import { makeAuthority } from './client-certificates.ts'
import { openWays, type Ways } from './ways.ts'

const usage = ExtendedKeyUsage.serverAuth
const authority = await makeAuthority('known')
const good = await authority.sign({ names: ['mx.b.example'], usage })
const strange = await (await makeAuthority('unknown')).sign({ names: ['mx.b.example'], usage })
const misnamed = await authority.sign({ names: ['other.example'], usage })
const expired = await authority.sign({ names: ['mx.b.example'], usage, notAfter: new Date(Date.now() - 3600_000) })

function tlsa(pem: string): TlsaRecord {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  return { usage: 3, selector: 1, matching: 1, data: createHash('sha256').update(key).digest() }
}

interface Scene {
  readonly server: SmtpServerOptions
  readonly tlsa?: readonly TlsaRecord[]
  readonly policy?: string
  readonly signed?: boolean
  readonly routes?: readonly RouteConfig[]
  /** What was asked of the web. */
  readonly asked?: string[]
}

function start(t: TestContext, scene: Scene): Promise<Ways> {
  const secure = scene.signed === true
  const httpClient: HttpClient = {
    async ask({ url, addresses, authorities }) {
      scene.asked?.push(`${url} at ${addresses?.join()} ${authorities?.length}`)
      return { status: 200, contentType: 'text/plain', body: Buffer.from(scene.policy!) }
    },
  }
  return openWays(t, {
    server: scene.server,
    async config(_, folder) {
      const authorities = join(folder, 'authorities.pem')
      await writeFile(authorities, authority.cert)
      return { tls: { source: 'self-signed', authorities }, routes: scene.routes ?? [] }
    },
    within(platform, { port }) {
      const names = new Map<string, ZoneEntry>([
        ['b.example', { mx: [{ preference: 10, exchange: 'mx.b.example' }], secure }],
        ['mx.b.example', { addresses: ['127.0.0.1'], secure }],
      ])
      if (scene.tlsa) names.set(`_${port}._tcp.mx.b.example`, { tlsa: scene.tlsa, secure })
      if (scene.policy !== undefined) {
        names.set('_mta-sts.b.example', { txt: ['v=STSv1; id=1;'] })
        names.set('mta-sts.b.example', { addresses: ['192.0.2.80'] })
      }
      return { ...platform, resolver: simulatedResolver({ names, fails: () => false }), httpClient }
    },
  })
}

const enforce = 'version: STSv1\nmode: enforce\nmx: mx.b.example\nmax_age: 86400\n'

test('DANE: the right key is verified, and the trace says so', async (t) => {
  const ways = await start(t, { server: { pair: strange }, signed: true, tlsa: [tlsa(strange.cert)] })
  assert.deepEqual([await ways.send(), ways.said], ['gone', 'encrypted'])
  assert.match(await ways.trace(), /"tls":"TLSv1\.3 \S+ \(DANE 3 1 1 verified\)"/)
})

test('DANE: a wrong key, or no STARTTLS: later, and not a word of the message', async (t) => {
  const wrong = await start(t, { server: { pair: good }, signed: true, tlsa: [tlsa(strange.cert)] })
  assert.match(await wrong.send(), /DANE: /)
  assert.equal(wrong.said, 'nothing')
  const stripped = await start(t, { server: {}, signed: true, tlsa: [tlsa(strange.cert)] })
  assert.match(await stripped.send(), /offers no STARTTLS/)
  assert.equal(stripped.said, 'nothing')
})

test('MTA-STS: the policy is fetched once, kept, obeyed', async (t) => {
  const asked: string[] = []
  const ways = await start(t, { server: { pair: good }, policy: enforce, asked })
  assert.deepEqual([await ways.send(), ways.said], ['gone', 'encrypted'])
  assert.equal(await ways.send(), 'gone')
  assert.deepEqual(asked, ['https://mta-sts.b.example/.well-known/mta-sts.txt at 192.0.2.80 1'])
  assert.match((await ways.system.store.read.setting('mta-sts b.example'))!, /"mode":"enforce"/)
  // One connection carried both.
  assert.equal(ways.server.heard.filter((line) => line === 'STARTTLS').length, 1)
  assert.match(await ways.trace(), /"tls":"TLSv1\.3 \S+ \(MTA-STS verified\)"/)
})

test('MTA-STS: a stripped STARTTLS, an unknown authority, a wrong name, an expired certificate, a host that is not named: later', async (t) => {
  for (const pair of [undefined, strange, misnamed, expired]) {
    const ways = await start(t, { server: { pair }, policy: enforce })
    assert.match(await ways.send(), /STARTTLS|does not fit/)
    assert.equal(ways.said, 'nothing')
  }
  const elsewhere = await start(t, { server: { pair: good }, policy: enforce.replace('mx.b', 'mx.c') })
  assert.match(await elsewhere.send(), /does not allow this host/)
  assert.deepEqual(elsewhere.server.heard, [])
})

test('MTA-STS: a policy of yesterday protects although its record is gone', async (t) => {
  const ways = await start(t, { server: {} })
  const kept = { id: '1', policy: { mode: 'enforce', mx: ['mx.b.example'], maxAgeS: 86_400 }, fetchedAtMs: Date.now() }
  await ways.system.store.commit([{ kind: 'settingSet', name: 'mta-sts b.example', value: JSON.stringify(kept) }])
  assert.match(await ways.send(), /offers no STARTTLS/)
  assert.equal(ways.said, 'nothing')
})

test('TLS-Required: No arrives, whatever the policy says', async (t) => {
  const ways = await start(t, { server: {}, policy: enforce })
  const text = 'Subject: hello\nTLS-Required: No\n\nhello\n'
  assert.deepEqual([await ways.send(text), ways.said], ['gone', 'in clear'])
})

test('REQUIRETLS: carried where it is promised by a proven host; else the sender is told, and nothing was said', async (t) => {
  const need = { requireTls: true }
  const right = await start(t, { server: { pair: good, keywords: ['REQUIRETLS'] }, policy: enforce })
  assert.deepEqual([await right.send(undefined, need), right.said], ['gone', 'encrypted'])
  assert.ok(right.server.heard.some((line) => /^\+ MAIL FROM:<pat@far\.example> .*REQUIRETLS/.test(line)))

  const notOffered = await start(t, { server: { pair: good }, policy: enforce })
  assert.equal(await notOffered.send(undefined, need), 'gone')
  assert.equal(notOffered.said, 'nothing')
  assert.match(await notOffered.trace(), /"outcome":"bounced","delayMs":\d+,"why":"550 5\.7\.30/)

  const unproved = await start(t, { server: { pair: good, keywords: ['REQUIRETLS'] } })
  assert.equal(await unproved.send(undefined, need), 'gone')
  assert.equal(unproved.said, 'nothing')
  assert.match(await unproved.trace(), /nothing proves that this is the right host/)
})

test('a connection that is good enough for one message is not taken for one that demands more', async (t) => {
  const ways = await start(t, { server: { pair: good, keywords: ['REQUIRETLS'] }, signed: true })
  assert.equal(await ways.send(), 'gone')
  assert.equal(await ways.send(undefined, { requireTls: true }), 'gone')
  assert.equal(ways.server.heard.filter((line) => line === 'STARTTLS').length, 2)
})

test('a route of our own demands TLS: a certificate of an authority that we were told of', async (t) => {
  const routes: RouteConfig[] = [{ domain: 'b.example', hosts: [], tls: 'implicit' }]
  const known = await start(t, { server: { pair: good }, routes: [{ ...routes[0]!, tls: 'required' }] })
  assert.deepEqual([await known.send(), known.said], ['gone', 'encrypted'])
  const none = await start(t, { server: {}, routes: [{ ...routes[0]!, tls: 'required' }] })
  assert.match(await none.send(), /offers no STARTTLS/)
  assert.equal(none.said, 'nothing')
})
