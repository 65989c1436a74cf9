/** Two systems: what one publishes by its web pages and by `pennypost domain dns`, the other one obeys. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import 'reflect-metadata'
import { ExtendedKeyUsage } from '@peculiar/x509'
import type { HttpClient } from '../../src/base/http-client.ts'
import type { TlsFacts } from '../../src/base/network.ts'
import type { TlsaRecord } from '../../src/base/resolver.ts'
import { silentLog } from '../../src/base/log.ts'
import { Wheel } from '../../src/base/wheel.ts'
import { loadConfig } from '../../src/config/load.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { realHttpClient } from '../../src/platform/real/http-client.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { simulatedResolver, type ZoneEntry } from '../../src/platform/simulated/resolver.ts'
import { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { addAccount } from '../../src/admin/provision.ts'
import type { DnsRecord } from '../../src/web/discovery/dns.ts'
import type { System } from '../../src/system/types.ts'
import { realPlatform, startSystem } from '../../src/system.ts'
import { checkDane } from '../../src/trust/dane/check.ts'
import { usableRecords } from '../../src/trust/dane/tlsa.ts'
import { makeAuthority, type Pair } from './client-certificates.ts'
import { pennypost } from './program.ts'
import { openWays, type Ways } from './ways.ts'

const host = 'mx.b.example'
const authority = await makeAuthority('known')
const newPair = (): Promise<Pair> =>
  authority.sign({ names: [host, 'mta-sts.b.example'], usage: ExtendedKeyUsage.serverAuth })

/** The host of b.example, by its configuration file. */
class Receiver {
  readonly folder: string
  readonly file: string
  system!: System

  constructor(folder: string) {
    this.folder = folder
    this.file = join(folder, 'pennypost.toml')
  }

  setCertificate({ cert, key }: Pair): void {
    writeFileSync(join(this.folder, 'cert.pem'), cert)
    writeFileSync(join(this.folder, 'key.pem'), key)
  }

  async open(publish: string): Promise<void> {
    const listeners = ['smtp', 'https'].map(
      (service) => `[[listener]]\nservice = "${service}"\naddress = "127.0.0.1:0"\n`,
    )
    const tls = '[tls]\nsource = "files"\ncert = "cert.pem"\nkey = "key.pem"\n'
    const top = `hostname = "${host}"\ndata = "data"\ndomains = ["b.example"]\n`
    writeFileSync(this.file, `${top}${listeners.join('')}${tls}[publish]\n${publish}\n`)
    const config = await loadConfig(this.file)
    this.system = await startSystem(config, { ...realPlatform(config, silentLog), unixNetwork: undefined })
    await addAccount(this.system.store, 'bob@b.example', 'correct horse', { nowMs: Date.now() })
  }

  port(service: string): number {
    return this.system.listening.find((one) => one.service === service)!.port
  }

  /** What the command prints, as the operator would publish it. */
  async records(): Promise<readonly DnsRecord[]> {
    const { status, out, err } = await pennypost(['domain', 'dns', 'b.example', '--json', '--config', this.file])
    assert.equal(status, 0, err)
    return JSON.parse(out) as DnsRecord[]
  }

  async tlsa(): Promise<TlsaRecord[]> {
    const found = (await this.records()).filter(({ type }) => type === 'TLSA')
    assert.ok(found.every(({ name }) => name === `_25._tcp.${host}`))
    return found.map(({ value }) => {
      const [usage, selector, matching, hex] = value.split(' ')
      const numbers = { usage: Number(usage), selector: Number(selector), matching: Number(matching) }
      return { ...numbers, data: Buffer.from(hex!, 'hex') }
    })
  }

  /** What a stranger is shown who connects now. */
  async shown(): Promise<TlsFacts> {
    const tools = { network: realNetwork, clock: realClock, wheel: new Wheel(realClock), log: silentLog }
    const place = { address: '127.0.0.1', port: this.port('smtp'), hostname: 'a.example', connectTimeoutMs: 5000 }
    const client = await SmtpClient.connect({ ...tools, ...place })
    try {
      return await client.startTls({ serverName: host, verify: 'none', showChain: true })
    } finally {
      await client.quit()
    }
  }
}

async function openReceiver(t: TestContext, publish: string): Promise<Receiver> {
  const receiver = new Receiver(await mkdtemp(join(tmpdir(), 'published-')))
  receiver.setCertificate(await newPair())
  await receiver.open(publish)
  t.after(async () => {
    await receiver.system.stop()
    await rm(receiver.folder, { recursive: true, force: true })
  })
  return receiver
}

/** Another system that sends to it; `secure`: the zone is signed. */
function openSender(
  t: TestContext,
  receiver: Receiver,
  records: readonly DnsRecord[],
  tlsa?: readonly TlsaRecord[],
): Promise<Ways> {
  const secure = tlsa !== undefined
  const port = receiver.port('smtp')
  const names = new Map<string, ZoneEntry>([
    ['b.example', { mx: [{ preference: 10, exchange: host }], secure }],
    [host, { addresses: ['127.0.0.1'], secure }],
    ['mta-sts.b.example', { addresses: ['127.0.0.1'] }],
  ])
  if (tlsa) names.set(`_${port}._tcp.${host}`, { tlsa, secure })
  for (const { name, type, value } of records) if (type === 'TXT') names.set(name, { ...names.get(name), txt: [value] })
  // The real client and the real server: only 443 is another port here.
  const httpClient: HttpClient = {
    ask: (request) =>
      realHttpClient.ask({
        ...request,
        url: request.url.replace(/^(https:\/\/[^/:]+)\//, `$1:${receiver.port('https')}/`),
      }),
  }
  return openWays(t, {
    server: {},
    config(_, folder) {
      const authorities = join(folder, 'authorities.pem')
      writeFileSync(authorities, authority.cert)
      const { data, transfer } = { data: join(folder, 'data'), transfer: { smtpPort: port } }
      return {
        data,
        tls: { source: 'self-signed', authorities },
        transfer: { ...receiver.system.config.transfer, hostname: 'localhost', ...transfer },
      }
    },
    within: (platform) => ({ ...platform, resolver: simulatedResolver({ names, fails: () => false }), httpClient }),
  })
}

test('MTA-STS: the policy that we serve is fetched by https, kept and obeyed by our own sender', async (t) => {
  const receiver = await openReceiver(t, 'mtaSts = "enforce"')
  const ways = await openSender(t, receiver, await receiver.records())
  assert.equal(await ways.send(), 'gone')
  const kept = JSON.parse((await ways.system.store.read.setting('mta-sts b.example'))!) as { policy: unknown }
  assert.deepEqual(kept.policy, { mode: 'enforce', mx: [host], maxAgeS: 1_209_600 })
  assert.match(await ways.trace(), /"tls":"TLSv1\.3 \S+ \(MTA-STS verified\)"/)
})

test('MTA-STS: a policy that names other hosts keeps mail from us, and "none" takes it back under another id', async (t) => {
  const receiver = await openReceiver(t, 'mtaSts = "enforce"\nmtaStsHosts = ["backup.example.net"]')
  const before = await receiver.records()
  const ways = await openSender(t, receiver, before)
  assert.match(await ways.send(), /does not allow this host/)
  writeFileSync(receiver.file, readFileSync(receiver.file, 'utf8').replace('"enforce"', '"none"'))
  await receiver.system.reload(await loadConfig(receiver.file))
  const after = await receiver.records()
  const idOf = (records: readonly DnsRecord[]): string =>
    records.find(({ name }) => name === '_mta-sts.b.example')!.value
  assert.notEqual(idOf(before), idOf(after))
  const freed = await openSender(t, receiver, after)
  assert.equal(await freed.send(), 'gone')
  assert.match((await freed.system.store.read.setting('mta-sts b.example'))!, /"mode":"none"/)
})

test('DANE: our sender accepts the key that we print, and what is printed before a key changes holds before and after', async (t) => {
  const receiver = await openReceiver(t, '')
  const first = await receiver.tlsa()
  assert.equal(first.length, 1)
  const ways = await openSender(t, receiver, [], first)
  assert.equal(await ways.send(), 'gone')
  assert.match(await ways.trace(), /\(DANE 3 1 1 verified\)/)

  const check = async (records: readonly TlsaRecord[]): Promise<string> =>
    checkDane(usableRecords(records), (await receiver.shown()).chain!, [host], Date.now()).kind
  receiver.setCertificate(await newPair())
  const both = await receiver.tlsa()
  assert.equal(both.length, 2)
  assert.equal(await check(both), 'verified')
  await receiver.system.reload(await loadConfig(receiver.file))
  assert.equal(await check(both), 'verified')
  assert.equal(await check(first), 'failed')
  assert.deepEqual(await receiver.tlsa(), both.slice(1))
})
