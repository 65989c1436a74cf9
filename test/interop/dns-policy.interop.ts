/** Our resolver, DANE and MTA-STS with Knot DNS and Unbound: signed zones, forged ones, and what is sent where. RFC 7672, RFC 8461, RFC 7505. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import 'reflect-metadata'
import { ExtendedKeyUsage } from '@peculiar/x509'
import type { Resolver } from '../../src/base/resolver.ts'
import { realResolver } from '../../src/platform/real/resolver.ts'
import { makeAuthority } from '../stories/client-certificates.ts'
import { openWays, type Ways } from '../stories/ways.ts'
import type { SmtpServerOptions } from '../support/smtp-server.ts'
import { NameServers } from './name-servers.ts'
import { without } from './programs.ts'

const skip = without('knotd') || without('unbound')
const usage = ExtendedKeyUsage.serverAuth
const authority = await makeAuthority('known')
const right = await authority.sign({ names: ['mx.plain.example', 'mx.signed.example'], usage })
const other = await (await makeAuthority('unknown')).sign({ names: ['mx.signed.example'], usage })
const web = await authority.sign({ names: ['mta-sts.plain.example'], usage })

/** As an operator would write it: the hash of a public key. */
function tlsaOf(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  return `TLSA 3 1 1 ${createHash('sha256').update(key).digest('hex')}`
}

/** The port of mail hosts in these zones: each test has its own server there, one after the other. */
const port = 20_000 + (process.pid % 10_000)
const zones = [
  {
    name: 'signed.example',
    signed: true,
    records: [
      '@ MX 10 mx',
      'mx A 127.0.0.1',
      `_${port}._tcp.mx ${tlsaOf(right.cert)}`,
      'wrong MX 10 mx2',
      'mx2 A 127.0.0.1',
      `_${port}._tcp.mx2 ${tlsaOf(other.cert)}`,
      'alias CNAME signed.example.',
      'chain MX 10 by-alias',
      'by-alias CNAME mx',
      'nothing MX 0 .',
      'bare A 127.0.0.1',
      `big TXT ${Array.from({ length: 30 }, (_, n) => `"${String(n).padStart(120, 'x')}"`).join(' ')}`,
    ],
  },
  {
    name: 'plain.example',
    signed: false,
    records: [
      '@ MX 10 mx',
      'mx A 127.0.0.1',
      `_${port}._tcp.mx ${tlsaOf(other.cert)}`,
      '_mta-sts TXT "v=STSv1; id=20240101;"',
      'mta-sts A 127.0.0.1',
    ],
  },
  { name: 'forged.example', signed: 'wrong', records: ['@ MX 10 mx', 'mx A 127.0.0.1'] },
] as const

let folder: string
let servers: NameServers
let resolver: Resolver
let policies: Server
before(async () => {
  if (skip) return
  folder = mkdtempSync(join(tmpdir(), 'names-'))
  servers = await NameServers.start(folder, zones)
  resolver = realResolver([`127.0.0.1:${servers.port}`], { validated: true })
  const text = 'version: STSv1\nmode: enforce\nmx: mx.plain.example\nmax_age: 86400\n'
  policies = createServer({ cert: web.cert, key: web.key }, (request, response) => {
    if (request.url !== '/.well-known/mta-sts.txt') return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/plain' }).end(text)
  })
  await new Promise<void>((resolve) => policies.listen(0, '127.0.0.1', resolve))
})
after(async () => {
  await servers?.end()
  policies?.close()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

test('what is signed is proved, what is not is not, and what is forged is no answer', { skip }, async () => {
  const mx = await resolver.mx('signed.example')
  assert.deepEqual(mx, {
    kind: 'found',
    records: [{ preference: 10, exchange: 'mx.signed.example' }],
    secure: true,
    name: 'signed.example',
  })
  const plain = await resolver.mx('plain.example')
  assert.deepEqual([plain.kind, plain.kind === 'found' && plain.secure], ['found', false])
  assert.equal((await resolver.mx('forged.example')).kind, 'failed')
  // Nobody said that this one may be believed.
  const doubtful = await realResolver([`127.0.0.1:${servers.port}`]).mx('signed.example')
  assert.equal(doubtful.kind === 'found' && doubtful.secure, false)
})

test('aliases, null MX, no MX, no name, and that proved', { skip }, async () => {
  const alias = await resolver.mx('alias.signed.example')
  assert.deepEqual(alias.kind === 'found' && [alias.name, alias.secure], ['signed.example', true])
  const chain = await resolver.addresses('by-alias.signed.example')
  assert.deepEqual(chain.kind === 'found' && [chain.records, chain.name, chain.secure], [
    ['127.0.0.1'],
    'mx.signed.example',
    true,
  ])
  const none = await resolver.mx('nothing.signed.example')
  assert.deepEqual(none.kind === 'found' && none.records, [{ preference: 0, exchange: '' }])
  assert.deepEqual(await resolver.mx('bare.signed.example'), { kind: 'none', nameExists: true, secure: true })
  assert.deepEqual(await resolver.mx('gone.signed.example'), { kind: 'none', nameExists: false, secure: true })
})

test('what does not fit a datagram comes by TCP', { skip }, async () => {
  const found = await resolver.txt('big.signed.example')
  assert.ok(found.kind === 'found')
  assert.deepEqual([found.records.length, found.records[0]!.length, found.secure], [1, 3600, true])
})

test('TLSA records as they were written', { skip }, async () => {
  const found = await resolver.tlsa(`_${port}._tcp.mx.signed.example`)
  assert.ok(found.kind === 'found' && found.secure)
  const { usage, selector, matching, data } = found.records[0]!
  assert.equal(`TLSA ${usage} ${selector} ${matching} ${Buffer.from(data).toString('hex')}`, tlsaOf(right.cert))
})

/** A mail host at that port, and a system that asks Unbound. */
function start(t: TestContext, server: SmtpServerOptions): Promise<Ways> {
  return openWays(t, {
    server: { ...server, port },
    config(_, own) {
      const authorities = join(own, 'authorities.pem')
      writeFileSync(authorities, authority.cert)
      const dns = { servers: [`127.0.0.1:${servers.port}`], validated: true, hosts: new Map(), lookups: true }
      return { tls: { source: 'self-signed', authorities }, dns }
    },
    within(platform) {
      const { port: webPort } = policies.address() as AddressInfo
      const { httpClient } = platform
      const ask: typeof httpClient.ask = (question) =>
        // Its port is 443, which is root's.
        httpClient.ask({ ...question, url: question.url.replace('.example/', `.example:${webPort}/`) })
      return { ...platform, httpClient: { ask } }
    },
  })
}

const to = (domain: string) => ({ recipients: [`bob@${domain}`] })

test('DANE: the right key is verified, also by an alias; a wrong one gets nothing', { skip }, async (t) => {
  const ways = await start(t, { pair: { ...right } })
  assert.equal(await ways.send(undefined, to('signed.example')), 'gone')
  assert.equal(await ways.send(undefined, to('chain.signed.example')), 'gone')
  assert.match(
    await ways.send(undefined, to('wrong.signed.example')),
    /mx2\.signed\.example \[127\.0\.0\.1\]: .*DANE: no TLSA record/,
  )
  const mails = ways.server.heard.filter((line) => line.includes('MAIL FROM:<pat@'))
  assert.equal(mails.length, 2)
  assert.ok(mails.every((line) => line.startsWith('+ ')))
  const words = [...(await ways.trace()).matchAll(/"tls":"([^"]*)"/g)].map(([, text]) => text!)
  assert.equal(words.filter((text) => text.endsWith('(DANE 3 1 1 verified)')).length, 2)
})

test('DANE: without STARTTLS nothing is sent to a host that promised it', { skip }, async (t) => {
  const ways = await start(t, {})
  assert.match(await ways.send(undefined, to('signed.example')), /offers no STARTTLS/)
  assert.equal(ways.said, 'nothing')
})

test('MTA-STS: a policy over HTTPS; records that nobody signed do not count', { skip }, async (t) => {
  const ways = await start(t, { pair: right })
  assert.equal(await ways.send(undefined, to('plain.example')), 'gone')
  assert.match(await ways.trace(), /\(MTA-STS verified\)/)
})

test(
  'MTA-STS: without STARTTLS, or with a certificate of an unknown authority, nothing is sent',
  { skip },
  async (t) => {
    const ways = await start(t, { pair: other })
    assert.match(await ways.send(undefined, to('plain.example')), /does not fit/)
    assert.equal(ways.said, 'nothing')
  },
)

test('forged: later; null MX and no name: returned', { skip }, async (t) => {
  const ways = await start(t, { pair: right })
  assert.match(await ways.send(undefined, to('forged.example')), /4\.4\.3/)
  assert.equal(await ways.send(undefined, to('nothing.signed.example')), 'gone')
  assert.equal(await ways.send(undefined, to('gone.signed.example')), 'gone')
  assert.equal(ways.said, 'nothing')
  const trace = await ways.trace()
  assert.match(trace, /556 5\.1\.10/)
  assert.match(trace, /550 5\.1\.2/)
})
