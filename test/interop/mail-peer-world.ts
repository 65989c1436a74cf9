/** A small internet for two: our system as mx.us.example, a peer as mx.peer.example, and signed zones that tell each of the other. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import 'reflect-metadata'
import { ExtendedKeyUsage } from '@peculiar/x509'
import { silentLog } from '../../src/base/log.ts'
import { Wheel } from '../../src/base/wheel.ts'
import type { Config, ListenerConfig } from '../../src/config/config.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { SmtpClient, type OutgoingEnvelope } from '../../src/protocol/smtp/client.ts'
import { addAccount } from '../../src/admin/provision.ts'
import { realPlatform, startSystem } from '../../src/system.ts'
import { makeAuthority } from '../stories/client-certificates.ts'
import { password, RealSystem } from '../stories/real.ts'
import { bytesOfText } from '../stories/world.ts'
import { RunningPeer, stages, type MailPeer, type Place, type Refusal } from './mail-peer.ts'
import { NameServers, type Zone } from './name-servers.ts'

export const alice = 'alice@us.example'
/** Whose mailbox is full. */
export const fay = 'fay@us.example'
export const pat = 'pat@peer.example'

/** Ports 25 and 53 of loopback addresses that nobody else has; another run at the same time has others. */
const net = `127.${100 + (Math.floor(process.pid / 250) % 100)}.${process.pid % 250}`
const at = {
  us: `${net}.1`,
  usClear: `${net}.2`,
  peer: `${net}.3`,
  peerClear: `${net}.4`,
  /** Nobody answers there. */
  dead: `${net}.5`,
  policies: `${net}.6`,
  names: `${net}.53`,
}

const codes = [4, 5] as const
/** Domains of the peer that we send to from an address which it refuses at some stage. */
export const refusals: readonly (Refusal & { readonly domain: string })[] = stages.flatMap((stage, n) =>
  codes.map((code) => ({
    stage,
    code,
    address: `${net}.${100 + n * 10 + code}`,
    words: `no ${stage}, ${code}, today`,
    domain: `${stage}${code}.peer.example`,
  })),
)

const peerDomains = ['peer.example', 'wrong.peer.example', 'clear.peer.example', 'backup.peer.example']
const ourDomains = ['us.example', 'wrong.us.example', 'clear.us.example', 'backup.us.example']

interface Pair {
  readonly cert: string
  readonly key: string
}

/** As an operator would write it: the hash of a public key. */
function tlsaOf(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  return `TLSA 3 1 1 ${createHash('sha256').update(key).digest('hex')}`
}

/** A domain that is reached by DANE (without `right`: by chance), with a wrong record, without TLS, by its second host, and not at all. */
function zoneOf(
  name: string,
  mx: string,
  clear: string,
  right: Pair | undefined,
  other: Pair,
  more: readonly string[] = [],
): Zone {
  const records = [
    '@ MX 10 mx',
    `mx A ${mx}`,
    ...(right ? [`_25._tcp.mx ${tlsaOf(right.cert)}`] : []),
    'wrong MX 10 mx2',
    `mx2 A ${mx}`,
    `_25._tcp.mx2 ${tlsaOf(other.cert)}`,
    'clear MX 10 mx-clear',
    `mx-clear A ${clear}`,
    'backup MX 5 mx-dead',
    'backup MX 10 mx',
    `mx-dead A ${at.dead}`,
    'nothing MX 0 .',
    ...more,
  ]
  return { name, signed: true, records }
}

/** No DNSSEC, but a policy over HTTPS. RFC 8461. */
function policyZone(name: string): Zone {
  const records = ['@ MX 10 mx', `mx A ${at.peer}`, '_mta-sts TXT "v=STSv1; id=20240101;"', `mta-sts A ${at.policies}`]
  return { name, signed: false, records }
}

export class PeerWorld {
  readonly #peer: MailPeer
  readonly #folder = mkdtempSync(join(tmpdir(), 'peers-'))
  readonly #wheel = new Wheel(realClock)
  #names: NameServers | undefined
  #policies: Server | undefined
  #place: Place | undefined
  real!: RealSystem
  peer!: RunningPeer

  private constructor(peer: MailPeer) {
    this.#peer = peer
  }

  static async open(peer: MailPeer): Promise<PeerWorld> {
    const world = new PeerWorld(peer)
    try {
      await world.#begin()
      return world
    } catch (error) {
      await world.close()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const folder = this.#folder
    chmodSync(folder, 0o755)
    const usage = ExtendedKeyUsage.serverAuth
    const authority = await makeAuthority('known')
    const ours = await authority.sign({ names: ['mx.us.example', 'mx2.us.example'], usage })
    const names = ['mx.peer.example', 'mx2.peer.example', 'mx.policy.example']
    const theirs = await authority.sign({ names, usage })
    const other = await (await makeAuthority('unknown')).sign({ names, usage })
    const web = await authority.sign({ names: ['mta-sts.policy.example', 'mta-sts.misfit.example'], usage })
    const mayPromise = this.#peer.cannot['takes STARTTLS'] === undefined
    const doors = refusals.map(({ domain }) => `mx-${domain}. A ${at.peer}`)
    const zones = [
      zoneOf('us.example', at.us, at.usClear, ours, other),
      zoneOf('peer.example', at.peer, at.peerClear, mayPromise ? theirs : undefined, other, doors),
      policyZone('policy.example'),
      policyZone('misfit.example'),
    ]
    const namesFolder = join(folder, 'names')
    mkdirSync(namesFolder)
    this.#names = await NameServers.start(namesFolder, zones, at.names)
    this.#policies = await servePolicies(web)
    this.#place = {
      folder: join(folder, 'peer'),
      address: at.peer,
      clearAddress: at.peerClear,
      hostname: 'mx.peer.example',
      domains: [...peerDomains, 'policy.example', ...refusals.map(({ domain }) => domain)],
      users: this.#peer.cannot['takes SMTPUTF8'] ? ['pat'] : ['pat', 'jörg'],
      relays: [...ourDomains, 'nothing.us.example'],
      ...writePair(folder, 'peer', theirs),
      nameServer: at.names,
      refusals,
    }
    mkdirSync(this.#place.folder)
    const authorities = join(folder, 'authorities.pem')
    writeFileSync(authorities, authority.cert)
    const pair = writePair(folder, 'us', ours)
    this.real = await this.#startUs({
      source: 'files',
      certificates: [{ cert: pair.certificate, key: pair.key }],
      authorities,
    })
    this.peer = await RunningPeer.start(this.#peer, this.#place)
  }

  async #startUs(tls: Config['tls']): Promise<RealSystem> {
    const defaults = defaultConfig()
    const listener = (
      service: 'smtp' | 'submission' | 'imaps',
      address: string,
      more: Partial<ListenerConfig> = {},
    ) => ({
      service,
      address,
      port: service === 'smtp' ? 25 : 0,
      tls: service === 'imaps' ? ('implicit' as const) : ('starttls' as const),
      plaintextAuth: false,
      bareNewline: 'refuse' as const,
      publicPort: 0,
      ...more,
    })
    const config: Config = {
      ...defaults,
      hostname: 'mx.us.example',
      data: join(this.#folder, 'data'),
      submitSocket: join(this.#folder, 'submit.sock'),
      domains: ourDomains,
      listeners: [
        listener('smtp', at.us),
        listener('smtp', at.usClear, { tls: 'none' }),
        listener('submission', '127.0.0.1'),
        listener('imaps', '127.0.0.1'),
      ],
      tls,
      dns: { servers: [`${at.names}:53`], validated: true, hosts: new Map(), lookups: true },
      routes: refusals.map(({ domain, address }) => ({
        domain,
        // A name of its own, and so bad days of its own.
        hosts: [{ host: `mx-${domain}`, port: 25 }],
        tls: 'opportunistic' as const,
        sourceAddresses: [address],
      })),
      checks: [
        {
          name: 'money',
          where: 'header',
          pattern: /^Subject: send money/i,
          action: 'reject',
          text: 'we have no money',
          of: 'all',
        },
      ],
      transfer: {
        ...defaults.transfer,
        hostname: 'mx.us.example',
        messageBytesMax: 4 * 1024 * 1024,
        retryAfterMs: [3000],
      },
      limits: { ...defaults.limits, shutdownGraceMs: 500 },
    }
    const system = await startSystem(config, { ...realPlatform(config, silentLog), unixNetwork: undefined })
    for (const user of [alice, 'bob@us.example', 'jörg@us.example', fay])
      await addAccount(system.store, user, password, { nowMs: Date.now(), quotaBytes: user === fay ? 10 : undefined })
    for (const domain of ourDomains.slice(1))
      for (const name of ['alice', 'bob'])
        await system.store.commit([{ kind: 'aliasSet', address: `${name}@${domain}`, targets: [`${name}@us.example`] }])
    return new RealSystem(system)
  }

  /** The peer again, with what it had in its queue; it refuses nobody now. */
  async peerRelents(): Promise<void> {
    await this.peer.stop()
    this.peer = await RunningPeer.start(this.#peer, { ...this.#place!, refusals: [] })
  }

  /** By the peer, from pat, who is at home there. */
  throughPeer(text: string | Uint8Array, more: Partial<OutgoingEnvelope> = {}): Promise<void> {
    return this.#send(at.peerClear, 25, pat, [alice], text, more)
  }

  /** By us, from alice, who signs in. */
  throughUs(text: string | Uint8Array, more: Partial<OutgoingEnvelope> = {}): Promise<void> {
    return this.#send('127.0.0.1', this.real.port('submission'), alice, [pat], text, more)
  }

  async #send(
    address: string,
    port: number,
    reversePath: string,
    recipients: readonly string[],
    text: string | Uint8Array,
    more: Partial<OutgoingEnvelope>,
  ): Promise<void> {
    const tools = { network: realNetwork, clock: realClock, wheel: this.#wheel, log: silentLog }
    const client = await SmtpClient.connect({ ...tools, address, port, hostname: 'c.example', connectTimeoutMs: 5000 })
    if (port !== 25) {
      await client.startTls({ serverName: 'localhost', verify: 'none' })
      await client.authenticate(alice, password)
    }
    const bytes = typeof text === 'string' ? bytesOfText(text) : { sizeBytes: text.length, read: reader(text) }
    const sent = await client.send({ reversePath, recipients, body: '7bit', smtpUtf8: false, ...more }, bytes)
    await client.quit()
    assert.deepEqual(
      sent.recipients.map(({ code, lines }) => [code, lines]).filter(([code]) => code !== 250),
      [],
    )
  }

  async close(): Promise<void> {
    await this.peer?.stop()
    await this.real?.stop()
    await this.#names?.end()
    this.#policies?.close()
    this.#policies?.closeAllConnections()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function reader(bytes: Uint8Array) {
  return (start: number, end: number): Uint8Array => bytes.subarray(start, end)
}

function writePair(folder: string, name: string, pair: Pair): { certificate: string; key: string } {
  const certificate = join(folder, `${name}.pem`)
  const key = join(folder, `${name}.key`)
  writeFileSync(certificate, pair.cert)
  writeFileSync(key, pair.key, { mode: 0o600 })
  return { certificate, key }
}

async function servePolicies(pair: Pair): Promise<Server> {
  const server = createServer(pair, (request, response) => {
    const host = request.headers.host === 'mta-sts.misfit.example' ? 'elsewhere.example' : 'mx.policy.example'
    response.end(`version: STSv1\nmode: enforce\nmx: ${host}\nmax_age: 86400\n`)
  })
  await new Promise<void>((resolve) => server.listen(443, at.policies, resolve))
  return server
}
