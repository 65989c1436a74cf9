/** ResultBatcher of TLS to the domains that wish for them: a day of mail, then the report, signed, in their mailbox or at their web server. RFC 8460. */
import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { test } from 'node:test'
import { headerEnd, parseHeader } from '../../src/mail/header.ts'
import { parseStructure } from '../../src/mail/mime/structure.ts'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { HttpQuestion } from '../../src/base/http-client.ts'
import { simulatedResolver } from '../../src/platform/simulated/resolver.ts'
import type { Platform } from '../../src/system.ts'
import type { System } from '../../src/system/types.ts'
import { dkimRecords, makeDkimKeys } from '../../src/delivery/signing.ts'
import { DkimVerifier } from '../../src/trust/dkim/verify.ts'
import { messagesIn, World } from './world.ts'

const text = 'From: pat@far.example\nSubject: hello\n\nHello\n'
const hour = 60 * 60_000
const home = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['postmaster@a.example'],
  config: {
    trustedNetworks: [parseIpNetwork('198.51.100.0/24')!],
    reports: { tls: true, contact: 'postmaster@a.example' },
  },
}
const away = {
  hostname: 'mx.b.example',
  address: '10.0.0.2',
  domains: ['b.example'],
  mailboxes: ['bob@b.example', 'tls@b.example'],
}

/** What our own verifier makes of a message's signatures. */
async function verdictsOf(world: World, message: string): Promise<string[]> {
  const bytes = Buffer.from(message, 'latin1')
  const bodyStart = headerEnd(bytes, 0, bytes.length)
  const verifier = new DkimVerifier(parseHeader(bytes, 0, bodyStart))
  verifier.write(bytes.subarray(bodyStart))
  const verdicts = await verifier.end(simulatedResolver(world.zone), world.clock.now())
  return verdicts.map(({ result, domain, algorithm }) => `${result} ${domain} ${algorithm}`)
}

/** Keys that sign, and their records for whoever checks. */
async function sign(world: World, system: System): Promise<void> {
  await world.clock.outside(makeDkimKeys(system.store, 'a.example', world.clock.now()))
  for (const { name, value } of await dkimRecords(system.store.read, 'a.example'))
    world.zone.names.set(name, { txt: [value] })
}

/** Compressing and signing take real time, which virtual hours do not wait for. */
async function slowly(world: World, hours: number): Promise<void> {
  for (let half = 0; half < 2 * hours; half++) {
    await world.clock.pass(hour / 2)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Virtual time, and some of ours with it, until something is so. */
async function until(world: World, done: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await done()); tries++) {
    assert.ok(tries < 500, 'it does not come')
    await world.clock.pass(hour / 6)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function reportOf(message: string): { readonly name: string; readonly json: Record<string, unknown> } {
  const root = parseStructure(Buffer.from(message, 'latin1'))
  const part = root.children[1]!
  const body = message.slice(part.bodyStart, part.bodyEnd)
  const name = /filename=(\S+)/.exec(message)![1]!
  return { name, json: JSON.parse(gunzipSync(Buffer.from(body, 'base64')).toString()) }
}

test('by mail: counted, sent once on the next day, signed, though the policy forbids the host', async () => {
  const world = new World()
  const policy = 'version: STSv1\nmode: enforce\nmx: mx.b.example\nmax_age: 604800\n'
  let now = policy
  const within = (platform: Platform): Platform => ({
    ...platform,
    httpClient: { ask: async () => ({ status: 200, body: Buffer.from(now) }) },
  })
  const a = await world.start(home, within)
  const b = await world.start(away)
  world.zone.names.set('_smtp._tls.b.example', { txt: ['v=TLSRPTv1; rua=mailto:tls@b.example'] })
  world.zone.names.set('_mta-sts.b.example', { txt: ['v=STSv1; id=1;'] })
  world.zone.names.set('mta-sts.b.example', { addresses: ['10.0.0.3'] })
  await world.send(a, 'postmaster@a.example', ['bob@b.example'], text)
  await world.clock.pass(hour)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 1)
  // From now on nothing may go there but the report.
  now = policy.replace('mx: mx.b', 'mx: mx.c')
  world.zone.names.set('_mta-sts.b.example', { txt: ['v=STSv1; id=2;'] })
  await world.send(a, 'postmaster@a.example', ['bob@b.example'], text)
  await world.clock.pass(8 * hour)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 1)
  assert.equal((await messagesIn(b, 'tls@b.example')).length, 0)
  await sign(world, a)
  const reports = (): Promise<string[]> => messagesIn(b, 'tls@b.example')
  await slowly(world, 6)
  await until(world, async () => (await reports()).length > 0)
  const [message, ...more] = await reports()
  assert.equal(more.length, 0)
  assert.deepEqual(await verdictsOf(world, message!), ['pass a.example rsa-sha256', 'pass a.example ed25519-sha256'])
  assert.match(message!, /\r\nTLS-Report-Domain: b\.example\r\n/)
  assert.match(message!, /h=[^;]*tls-report-domain:\s*tls-report-submitter/)
  assert.match(message!, /\r\nContent-Type: multipart\/report; report-type=tlsrpt;/)
  const { name, json } = reportOf(message!)
  assert.equal(name, 'a.example!b.example!1705276800!1705363199.json.gz')
  const policies = json['policies'] as { policy: Record<string, unknown>; summary: Record<string, number> }[]
  assert.deepEqual(
    policies.map(({ policy, summary }) => [policy['mx-host'], Object.values(summary)[0]]),
    [
      [['mx.b.example'], 1],
      [['mx.c.example'], 0],
    ],
  )
  assert.ok(Object.values(policies[1]!.summary)[1]! > 2)
  await slowly(world, 20)
  await until(world, async () => (await reports()).length > 1)
  // Another one for the day on which nothing could be sent; none twice.
  const names = (await reports()).map((one) => reportOf(one).name)
  assert.deepEqual(names, [name, 'a.example!b.example!1705363200!1705449599.json.gz'])
  await world.stop()
})

test('by HTTPS: posted until it is taken, never to where only we can reach', async () => {
  const world = new World()
  const posted: HttpQuestion[] = []
  let status = 503
  const within = (platform: Platform): Platform => ({
    ...platform,
    httpClient: {
      async ask(question) {
        posted.push(question)
        return { status, body: new Uint8Array() }
      },
    },
  })
  const a = await world.start(home, within)
  await world.start(away)
  world.zone.names.set('_smtp._tls.b.example', {
    txt: ['v=TLSRPTv1; rua=https://inside.example/x,https://10.0.0.9/,https://[::1]/,https://tls.b.example/v1'],
  })
  world.zone.names.set('inside.example', { addresses: ['192.168.1.1', 'fd00::1', '::ffff:127.0.0.1'] })
  world.zone.names.set('tls.b.example', { addresses: ['203.0.113.9'] })
  await world.send(a, 'postmaster@a.example', ['bob@b.example'], text)
  await slowly(world, 15)
  await until(world, () => posted.length > 0)
  const refused = posted.length
  assert.ok(posted.every(({ url }) => url === 'https://tls.b.example/v1'))
  const [{ method, headers, body, addresses }] = posted as [HttpQuestion]
  assert.deepEqual(
    [method, headers, addresses],
    ['POST', { 'content-type': 'application/tlsrpt+gzip' }, ['203.0.113.9']],
  )
  assert.match(gunzipSync(body as Uint8Array).toString(), /"policy-type":"no-policy-found"/)
  status = 201
  await until(world, () => posted.length > refused)
  await slowly(world, 30)
  assert.equal(posted.length, refused + 1)
  await world.stop()
})

test('counts outlive the process; without the option nothing is counted', async () => {
  const world = new World()
  const a = await world.start(home)
  await world.start(away)
  await world.send(a, 'postmaster@a.example', ['bob@b.example'], text)
  await world.clock.pass(hour)
  assert.match((await a.store.read.setting('tls-reports'))!, /"b\.example":\[\{"type":"no-policy-found"/)
  const silent = await world.start({
    ...home,
    hostname: 'mx.s.example',
    address: '10.0.0.4',
    domains: ['s.example'],
    mailboxes: [],
    config: { ...home.config, reports: { tls: false, contact: 'postmaster@s.example' } },
  })
  await world.send(silent, 'x@s.example', ['bob@b.example'], text)
  await world.clock.pass(hour)
  assert.equal(await silent.store.read.setting('tls-reports'), undefined)
  await world.stop()
})
