/** A whole system on real sockets, any free ports, and the room's own clients for it. */
import { directoryDefaults } from '../../src/directory/directory-options.ts'
import { authDefaults, oauthDefaults } from '../../src/directory/options.ts'
import { silentLog, type Log } from '../../src/base/log.ts'
import { Wheel } from '../../src/base/wheel.ts'
import type { Config, ListenerConfig, Service } from '../../src/config/config.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { services } from '../../src/config/services.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { drive } from '../../src/protocol/drive.ts'
import { ImapClient } from '../../src/protocol/imap/client.ts'
import { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { admissionDefaults } from '../../src/listen/admission.ts'
import { addAccount } from '../../src/admin/provision.ts'
import type { System } from '../../src/system/types.ts'
import { realPlatform, startSystem } from '../../src/system.ts'

export const password = 'correct horse'

const served: readonly Service[] = ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps', 'pop3', 'pop3s']

export interface RealOptions {
  readonly data?: string
  readonly users: readonly string[]
  readonly tls?: Config['tls']
  /** Passwords in clear, for programs that are asked without TLS. */
  readonly plaintextAuth?: boolean
  readonly log?: Log
  readonly auth?: Partial<Config['auth']>
  readonly oauth?: Partial<Config['oauth']>
  readonly directory?: Partial<Config['directory']>
  /** Without accounts. */
  readonly domains?: readonly string[]
  /** Services beside those of mail. */
  readonly services?: readonly Service[]
  readonly smtp?: Partial<Config['smtp']>
  readonly routes?: Config['routes']
  /** Proxies, at every listener. */
  readonly proxyFrom?: ListenerConfig['proxyFrom']
  /** Where a port has to be known before; the others are any free ones. */
  readonly ports?: Readonly<Partial<Record<Service, number>>>
}

export class RealSystem {
  readonly system: System
  readonly #wheel = new Wheel(realClock)

  constructor(system: System) {
    this.system = system
  }

  port(service: Service): number {
    return this.system.listening.find((one) => one.service === service)!.port
  }

  #tools(log: Log = silentLog) {
    return { network: realNetwork, clock: realClock, wheel: this.#wheel, log }
  }

  smtp(service: Service): Promise<SmtpClient> {
    return SmtpClient.connect({
      ...this.#tools(),
      address: '127.0.0.1',
      port: this.port(service),
      connectTimeoutMs: 5000,
      hostname: 'client.example',
      lmtp: service === 'lmtp',
      tls: service === 'submissions' ? { serverName: 'localhost', verify: 'none' } : undefined,
    })
  }

  /** Signed in, by implicit TLS. */
  async imap(user: string, mailbox?: string, how: 'login' | 'authenticate' = 'login'): Promise<ImapClient> {
    const client = new ImapClient()
    const tls = { serverName: 'localhost', verify: 'none' as const }
    drive(
      await realNetwork.connect({ address: '127.0.0.1', port: this.port('imaps'), timeoutMs: 5000, tls }),
      client,
      this.#tools(),
    )
    await client.greeting
    await client[how](user, password)
    if (mailbox !== undefined) await client.select(mailbox)
    return client
  }

  async stop(): Promise<void> {
    await this.system.stop()
  }
}

export async function startReal(options: RealOptions): Promise<RealSystem> {
  const { data = ':memory:', users, tls = { source: 'self-signed' }, plaintextAuth = false, log = silentLog } = options
  const listeners = [...served, ...(options.services ?? [])].map((service): ListenerConfig => ({
    service,
    address: '127.0.0.1',
    port: options.ports?.[service] ?? 0,
    tls: services[service].tls,
    plaintextAuth,
    bareNewline: 'refuse',
    publicPort: options.ports?.[service] ?? 0,
    proxyFrom: options.proxyFrom,
  }))
  const config: Config = {
    ...defaultConfig(),
    hostname: 'localhost',
    data,
    domains: [],
    listeners,
    tls,
    auth: { ...authDefaults, ...options.auth },
    oauth: { ...oauthDefaults, ...options.oauth },
    directory: { ...directoryDefaults, ...options.directory },
    smtp: { ...defaultConfig().smtp, ...options.smtp },
    routes: options.routes ?? [],
    limits: { ...admissionDefaults, shutdownGraceMs: 2000 },
  }
  const system = await startSystem(config, realPlatform(config, log))
  const ours = users.map((user) => user.slice(user.indexOf('@') + 1))
  const domains = [...new Set([...ours, ...(options.domains ?? [])])]
  const missing = domains.filter((name) => !system.store.read.isLocalDomain(name))
  if (missing.length > 0) await system.store.commit(missing.map((name) => ({ kind: 'domainAdd' as const, name })))
  for (const user of users)
    if (!(await system.store.read.account(user))) await addAccount(system.store, user, password, { nowMs: Date.now() })
  return new RealSystem(system)
}
