/** A small internet with our systems on it, in virtual time. */
import { authDefaults, oauthDefaults } from '../../src/directory/options.ts'
import type { Log } from '../../src/base/log.ts'
import type { Random } from '../../src/base/random.ts'
import { Wheel } from '../../src/base/wheel.ts'
import type { Config, ListenerConfig, RouteConfig, Service } from '../../src/config/config.ts'
import { defaultConfig } from '../../src/config/load.ts'
import type { MessageBytes } from '../../src/mail/content.ts'
import { SimulatedClock } from '../../src/platform/simulated/clock.ts'
import { SimulatedInternet } from '../../src/platform/simulated/network.ts'
import { simulatedPlatform } from '../../src/platform/simulated/platform.ts'
import { seededRandom } from '../../src/platform/simulated/random.ts'
import type { SimulatedZone, ZoneEntry } from '../../src/platform/simulated/resolver.ts'
import { drive } from '../../src/protocol/drive.ts'
import { ImapClient } from '../../src/protocol/imap/client.ts'
import { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { admissionDefaults } from '../../src/listen/admission.ts'
import { addAccount, firstMailboxes } from '../../src/admin/provision.ts'
import type { Store } from '../../src/store/store.ts'
import type { System } from '../../src/system/types.ts'
import { startSystem, type Platform } from '../../src/system.ts'
import { authenticityDefaults } from '../../src/checks/authenticity.ts'
import { transferDefaults, type TransferOptions } from '../../src/transport/options.ts'

export const password = 'correct horse'
/** Where the clients of the stories sit. */
const clientAddress = '198.51.100.7'

const ports: Partial<Record<Service, number>> = { smtp: 25, submission: 587, submissions: 465, lmtp: 24, imap: 143 }

export interface NextHop {
  readonly hostname: string
  readonly address: string
  readonly domains: readonly string[]
  /** They can take mail; `users` can sign in too, which costs a password hash. */
  readonly mailboxes?: readonly string[]
  readonly users?: readonly string[]
  readonly transfer?: Partial<TransferOptions>
  readonly routes?: readonly RouteConfig[]
  /** What else is to differ from the defaults. */
  readonly config?: Partial<Config>
}

/** What stands between a process and its machine. */
type Within = (platform: Platform) => Platform

export class World {
  readonly clock = new SimulatedClock(Date.UTC(2024, 0, 15, 12))
  readonly random: Random
  readonly internet: SimulatedInternet
  readonly wheel: Wheel
  readonly zone: SimulatedZone = { names: new Map<string, ZoneEntry>(), fails: () => false }
  readonly events: string[] = []
  readonly log: Log
  readonly systems: System[] = []

  constructor(seed = 1) {
    this.random = seededRandom(seed)
    this.internet = new SimulatedInternet(this.clock, this.random)
    this.wheel = new Wheel(this.clock)
    const note =
      (level: string) =>
      (event: string, facts = {}) =>
        void this.events.push(`${level} ${event} ${JSON.stringify(facts)}`)
    this.log = { debug() {}, info: note('info'), warn: note('warn'), error: note('error') }
  }

  /** Starts a system and writes it into the zone: each domain's MX, and the host's address. */
  async start(site: NextHop, within?: Within, store?: Store): Promise<System> {
    const { hostname, address, domains, mailboxes = [], users = [] } = site
    const system = await this.boot(site, within, store)
    this.systems.push(system)
    await system.store.commit(domains.map((name) => ({ kind: 'domainAdd' as const, name })))
    const nowMs = this.clock.now()
    for (const name of mailboxes)
      await system.store.commit([{ kind: 'accountAdd', name, quotaBytes: 0, mailboxes: firstMailboxes, nowMs }])
    for (const name of users) await addAccount(system.store, name, password, { nowMs })
    this.zone.names.set(hostname, { addresses: [address] })
    for (const domain of domains) this.zone.names.set(domain, { mx: [{ preference: 10, exchange: hostname }] })
    return system
  }

  /** The process alone, on a store of its own or a given one. */
  boot(site: NextHop, within: Within = (platform) => platform, store?: Store): Promise<System> {
    const { hostname, address, transfer = {}, routes = [] } = site
    const listeners = Object.entries(ports).map(([service, port]): ListenerConfig => ({
      service: service as Service,
      address,
      port,
      tls: service === 'submissions' ? 'implicit' : 'starttls',
      plaintextAuth: service === 'imap',
      bareNewline: 'refuse',
      publicPort: port,
    }))
    const config: Config = {
      ...defaultConfig(),
      // Stories that are not about it are told without what it writes into messages.
      authenticity: { ...authenticityDefaults, check: false, dmarc: 'note' },
      hostname,
      data: ':memory:',
      // Domains of the configuration would make a first account, whose password costs real time.
      domains: [],
      listeners,
      routes,
      transfer: { ...transferDefaults, hostname, ...transfer },
      auth: authDefaults,
      oauth: oauthDefaults,
      limits: { ...admissionDefaults, shutdownGraceMs: 1000 },
      ...site.config,
    }
    return startSystem(config, within(simulatedPlatform({ ...this, address })), store)
  }

  connect(to: System | string, port = 25, hostname = 'client.example', lmtp = false): Promise<SmtpClient> {
    const address = typeof to === 'string' ? to : to.listening[0]!.address
    return this.clock.until(
      SmtpClient.connect({
        network: this.internet.at(clientAddress),
        clock: this.clock,
        wheel: this.wheel,
        log: this.log,
        address,
        port,
        hostname,
        lmtp,
        connectTimeoutMs: 30_000,
      }),
    )
  }

  /** One message in by port 25. @returns the reply code for each recipient. */
  async send(to: System, from: string, recipients: readonly string[], text: string): Promise<number[]> {
    const client = await this.connect(to)
    const envelope = { reversePath: from, recipients, body: '7bit' as const, smtpUtf8: false }
    const sent = await this.clock.until(client.send(envelope, bytesOfText(text)))
    await this.clock.until(client.quit())
    return sent.recipients.map(({ code }) => code)
  }

  async imap(system: System, user: string, mailbox?: string): Promise<ImapClient> {
    const { address } = system.listening[0]!
    const client = new ImapClient()
    const opened = this.internet.at(clientAddress).connect({ address, port: 143, timeoutMs: 30_000 })
    drive(await this.clock.until(opened), client, this)
    await this.clock.until(client.greeting)
    await this.clock.outside(client.login(user, password))
    if (mailbox !== undefined) await this.clock.until(client.select(mailbox))
    return client
  }

  async stop(): Promise<void> {
    for (const system of this.systems) await this.clock.until(system.stop())
  }
}

export function bytesOfText(text: string): MessageBytes {
  const bytes = Buffer.from(text.replace(/\r?\n/g, '\r\n'))
  return { sizeBytes: bytes.length, read: (start, end) => bytes.subarray(start, end) }
}

/** Everything in a mailbox of an account, oldest first, one character a byte. */
export async function messagesIn(system: System, user: string, name = 'INBOX'): Promise<string[]> {
  const { store } = system
  const mailbox = (await store.read.mailboxByName((await store.read.user(user))!.id, name))!
  const table = await store.read.table(mailbox.id)
  const { uids, count } = table.view()
  const found: string[] = []
  for await (const page of store.read.rows(mailbox.id, uids.slice(0, count), { bytes: true }))
    for (const { bytes } of page) found.push(Buffer.from(await bytes!.read(0, bytes!.sizeBytes)).toString('latin1'))
  table.release()
  return found
}
