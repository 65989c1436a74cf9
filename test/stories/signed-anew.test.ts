/** 8-bit mail to a host that takes 7 bits only: what we signed or sealed holds over what that host gets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DnsOutcome } from '../../src/base/resolver.ts'
import { Header } from '../../src/mail/header.ts'
import type { System } from '../../src/system/types.ts'
import { authenticityDefaults } from '../../src/checks/authenticity.ts'
import { signAnew } from '../../src/delivery/sign-anew.ts'
import { dkimRecords, makeDkimKeys, SigningKeys } from '../../src/delivery/signing.ts'
import { ArcVerifier, type ArcVerdict } from '../../src/trust/arc/verify.ts'
import { DkimSigner } from '../../src/trust/dkim/sign.ts'
import { DkimVerifier, type DkimDns, type DkimVerdict } from '../../src/trust/dkim/verify.ts'
import { Peer } from './peer.ts'
import { bytesOfText, password, World, type NextHop } from './world.ts'

const home: NextHop = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  users: ['alice@a.example'],
  config: { authenticity: authenticityDefaults },
}

const letter = (from: string, more = ''): string =>
  `${more}From: ${from}\nTo: z@seven.example\nSubject: hello\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nhällo to all in this house\n`

async function start(): Promise<{ world: World; a: System; peer: Peer }> {
  const world = new World()
  const a = await world.start(home)
  await world.clock.outside(makeDkimKeys(a.store, 'a.example', world.clock.now()))
  await publish(world, a)
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.seven.example',
    domains: ['seven.example'],
  })
  return { world, a, peer }
}

async function publish(world: World, a: System): Promise<void> {
  for (const { name, value } of await dkimRecords(a.store.read, 'a.example'))
    world.zone.names.set(name, { txt: [value] })
}

function dnsOf(world: World): DkimDns {
  return {
    txt: async (name): Promise<DnsOutcome<string>> => {
      const records = world.zone.names.get(name)?.txt
      return records ? { kind: 'found', records: [...records] } : { kind: 'none', nameExists: false }
    },
  }
}

/** Signatures are made by threads, in real time. */
async function taken(world: World, peer: Peer): Promise<string> {
  for (let tries = 0; tries < 1000 && peer.taken.length === 0; tries++) {
    await world.clock.pass(50)
    await new Promise((resolve) => void setTimeout(resolve, 5))
  }
  const { data = '' } = peer.taken.pop() ?? {}
  return data.replace(/^\.\./gm, '.')
}

function cut(message: string): [Header, Buffer] {
  const end = message.indexOf('\r\n\r\n') + 4
  return [new Header(message.slice(0, end)), Buffer.from(message.slice(end), 'latin1')]
}

async function dkim(world: World, message: string): Promise<DkimVerdict[]> {
  const [header, body] = cut(message)
  const verifier = new DkimVerifier(header)
  verifier.write(body)
  return world.clock.outside(verifier.end(dnsOf(world), world.clock.now()))
}

async function arc(world: World, message: string): Promise<ArcVerdict> {
  const [header, body] = cut(message)
  const verifier = new ArcVerifier(header)
  verifier.write(body)
  return world.clock.outside(verifier.end(dnsOf(world)))
}

test('a submission is signed anew behind its conversion, by the keys of that moment; the signatures before are gone', async () => {
  const { world, a, peer } = await start()
  const client = await world.connect(a, 587)
  await world.clock.until(client.startTls({ serverName: 'mx.a.example', verify: 'none' }))
  await world.clock.outside(client.authenticate('alice@a.example', password))
  const envelope = {
    reversePath: 'alice@a.example',
    recipients: ['z@seven.example'],
    body: '8bitmime' as const,
    smtpUtf8: false,
  }
  await world.clock.outside(client.send(envelope, bytesOfText(letter('alice@a.example'))))
  const message = await taken(world, peer)
  assert.match(message, /\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nh=C3=A4llo to all in this house\r\n$/)
  const verdicts = await dkim(world, message)
  assert.deepEqual(
    verdicts.map(({ result, algorithm, domain }) => [result, algorithm, domain]),
    [
      ['pass', 'rsa-sha256', 'a.example'],
      ['pass', 'ed25519-sha256', 'a.example'],
    ],
  )
  assert.equal(message.match(/^DKIM-Signature:/gm)?.length, 2)
  assert.match(message, /^Received: [^]*^DKIM-Signature: [^]*^DKIM-Signature: [^]*^(?:Date|Message-ID): [^]*^From: /m)
  await world.stop()
})

test("what an alias sends on is sealed anew; the sender's signature, which the conversion broke, stays", async () => {
  const { world, a, peer } = await start()
  await world.clock.outside(makeDkimKeys(a.store, 'b.example', world.clock.now()))
  for (const { name, value } of await dkimRecords(a.store.read, 'b.example'))
    world.zone.names.set(name, { txt: [value] })
  await a.store.commit([{ kind: 'aliasSet', address: 'out@a.example', targets: ['z@seven.example'] }])
  const text = Buffer.from(letter('bob@b.example').replaceAll('\n', '\r\n')).toString('latin1')
  const [header, body] = cut(text)
  const signer = new DkimSigner(header, await new SigningKeys(a.store.read).of('b.example'), {
    nowMs: world.clock.now(),
  })
  signer.write(body)
  const signed = (await world.clock.outside(signer.end())) + Buffer.from(text, 'latin1').toString()
  const client = await world.connect(a)
  const envelope = {
    reversePath: 'bob@b.example',
    recipients: ['out@a.example'],
    body: '8bitmime' as const,
    smtpUtf8: false,
  }
  await world.clock.outside(client.send(envelope, bytesOfText(signed)))
  const message = await taken(world, peer)
  assert.match(message, /h=C3=A4llo/)
  const verdict = await arc(world, message)
  assert.deepEqual([verdict.result, verdict.problem, verdict.sets.length], ['pass', undefined, 1])
  assert.match(verdict.sets[0]!.results, /^ARC-Authentication-Results: i=1; mx\.a\.example; [^]*dkim=pass/)
  const results = (await dkim(world, message)).map(({ result, domain }) => `${result} ${domain}`)
  assert.deepEqual(results, ['fail b.example', 'fail b.example'])
  // Who puts our set over a message of another kind gets no seal of ours for it.
  const tools = { store: a.store, signingKeys: new SigningKeys(a.store.read), clock: world.clock }
  const other = Buffer.from(message.replace('Subject: hello', 'Subject: money'), 'latin1')
  const after = Buffer.from(`${other.toString('latin1')}more\r\n`, 'latin1')
  assert.equal(await world.clock.outside(signAnew(tools, other, after)), after)
  await world.stop()
})

test('a message that only claims our signature is given none; keys that were replaced meanwhile do no harm', async () => {
  const { world, a } = await start()
  const { store } = a
  const signingKeys = new SigningKeys(store.read)
  const tools = { store, signingKeys, clock: world.clock }
  const [header, body] = cut(letter('alice@a.example').replaceAll('\n', '\r\n'))
  const signer = new DkimSigner(header, await signingKeys.of('a.example'), { nowMs: world.clock.now() })
  signer.write(body)
  const signed = (await world.clock.outside(signer.end())) + header.text + body.toString('latin1')
  const converted = signed.replace(/hällo|h\xc3\xa4llo/, 'h=C3=A4llo').replace('8bit', 'quoted-printable')
  const anew = async (before: string): Promise<string> => {
    const after = before === signed ? converted : converted.replace('Subject: hello', 'Subject: money')
    const made = await world.clock.outside(signAnew(tools, Buffer.from(before, 'latin1'), Buffer.from(after, 'latin1')))
    return Buffer.from(made).toString('latin1')
  }
  const good = await anew(signed)
  assert.deepEqual(
    (await dkim(world, good)).map(({ result }) => result),
    ['pass', 'pass'],
  )
  const claimed = signed.replace('Subject: hello', 'Subject: money')
  assert.equal(await anew(claimed), converted.replace('Subject: hello', 'Subject: money'))
  // Keys that were replaced while the message waited: the old ones tell that it is ours, the new ones sign.
  await world.clock.pass(10_000)
  await world.clock.outside(makeDkimKeys(store, 'a.example', world.clock.now(), true))
  await publish(world, a)
  const later = await dkim(world, await anew(signed))
  assert.deepEqual(
    later.map(({ result, selector }) => [result, selector]),
    (await signingKeys.of('a.example')).map(({ selector }) => ['pass', selector]),
  )
  await world.stop()
})
