/** The one place that builds everything: a configuration in, a running system out. */
import { join } from 'node:path'
import { AccountAuthenticator } from './accounts/authenticator.ts'
import { easyPassword } from './accounts/password.ts'
import { StoreDirectory } from './accounts/store-directory.ts'
import { IssuerTokens } from './accounts/tokens.ts'
import { latin1 } from './base/bytes.ts'
import type { Clock, Timer } from './base/clock.ts'
import type { Files } from './base/files.ts'
import type { Log } from './base/log.ts'
import type { HttpServer } from './base/http.ts'
import type { HttpClient } from './base/http-client.ts'
import { networksHold } from './base/ip-network.ts'
import type { Listener, Network, TlsServer } from './base/network.ts'
import type { Random } from './base/random.ts'
import type { Resolver } from './base/resolver.ts'
import { Wheel } from './base/wheel.ts'
import type { Config, ListenerConfig, Service } from './config/config.ts'
import { services } from './config/services.ts'
import { status } from './mail/status.ts'
import { loadCertificates, loadText } from './platform/real/certificates.ts'
import { realClock } from './platform/real/clock.ts'
import { realFiles } from './platform/real/files.ts'
import { realHttp } from './platform/real/http.ts'
import { realHttpClient } from './platform/real/http-client.ts'
import { realNetwork } from './platform/real/network.ts'
import { realRandom } from './platform/real/random.ts'
import { realResolver } from './platform/real/resolver.ts'
import { RealTls, type CertificatePair } from './platform/real/tls.ts'
import type { Session } from './protocol/action.ts'
import { ImapSession } from './protocol/imap/session.ts'
import { Pop3Session } from './protocol/pop3/session.ts'
import { saslMechanisms } from './protocol/sasl/mechanisms.ts'
import type { SmtpService } from './protocol/smtp/backend.ts'
import { SmtpServerSession } from './protocol/smtp/session.ts'
import { formatStatus } from './protocol/smtp/wire/reply.ts'
import { serveControl } from './server/control.ts'
import { offersOf } from './server/discovery/settings.ts'
import { answerHttp } from './server/http.ts'
import { StoreImapBackend } from './server/imap.ts'
import { Desk } from './server/listen.ts'
import { StorePop3Backend } from './server/pop3.ts'
import { authSecret, noteScramSha1, noteUseIn } from './server/auth-settings.ts'
import { addAccount } from './server/provision.ts'
import { openStore } from './store/sqlite/engine.ts'
import type { Store } from './store/store.ts'
import type { FirstAccount, Listening, System } from './system-types.ts'
import { FileJourney, silentJourney, type Journey } from './transfer/journey.ts'
import { Queue } from './transfer/queue/queue.ts'
import { Receiver } from './transfer/receiver.ts'
import { withHosts } from './transfer/hosts.ts'
import type { StaticRoute } from './transfer/route.ts'

/** The outside world that a system runs in: the real one, or the simulator's. */
export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly http: HttpServer
  readonly httpClient: HttpClient
  readonly files: Files
  readonly resolver: Resolver
  readonly log: Log
  /** The certificates of the configuration; `names` are those that a certificate of our own should bear. */
  openTls(config: Config, names: readonly string[]): Promise<SystemTls>
}

/** Certificates that can be read again while connections live. */
export interface SystemTls extends TlsServer {
  /** For listeners where people sign in: these ask clients for a certificate, if that was configured. */
  readonly forUsers: TlsServer
  /** Throws, and keeps the old ones, when the new ones cannot be used. */
  reload(): Promise<void>
}

export function realPlatform(config: Config, log: Log): Platform {
  return {
    clock: realClock,
    random: realRandom,
    network: realNetwork,
    http: realHttp,
    httpClient: realHttpClient,
    files: realFiles,
    resolver: realResolver(config.dns.servers),
    log,
    async openTls({ tls, data, auth }, names) {
      const load = async (): Promise<[CertificatePair[], string | undefined]> => [
        await loadCertificates(realFiles, tls, data === ':memory:' ? undefined : data, names, realClock.now()),
        auth.clientCertificates && (await loadText(realFiles, auth.clientCertificates)),
      ]
      const opened = new RealTls(...(await load()))
      return Object.assign(opened, { reload: async () => opened.load(...(await load())) })
    },
  }
}

/** How often what nobody holds any more is swept away. */
const sweepEveryMs = 10 * 60_000

const smtpBusy = formatStatus(status.tooManyConnections)
const imapBusy = Buffer.from('* BYE [UNAVAILABLE] Too many connections, try again later\r\n')

const pop3Busy = Buffer.from('-ERR [SYS/TEMP] Too many connections, try again later\r\n')

const smtpServices: readonly Service[] = ['smtp', 'submission', 'submissions', 'lmtp']

/** @param given a store that is open already, and is closed with the system; else the one in the configured data folder is opened. */
export async function startSystem(config: Config, platform: Platform, given?: Store): Promise<System> {
  let endedWith!: (error: Error | undefined) => void
  const ended = new Promise<Error | undefined>((resolve) => (endedWith = resolve))
  const store = given ?? (await openData(config, platform, (error) => endedWith(error)))
  try {
    return await openSystem(config, platform, store, ended, endedWith)
  } catch (error) {
    await store.close()
    throw error
  }
}

async function openData(config: Config, { clock, log }: Platform, broken: (error: Error) => void): Promise<Store> {
  const store = await openStore({ folder: config.data, clock, log, broken })
  if (store.replayed > 0) log.info('recovered', { records: store.replayed })
  return store
}

async function openSystem(
  config: Config,
  platform: Platform,
  store: Store,
  ended: Promise<Error | undefined>,
  endedWith: (error: Error | undefined) => void,
): Promise<System> {
  const { clock, random, network, files, log } = platform
  const wheel = new Wheel(clock)
  const tls = await platform.openTls(config, certificateNames(config))
  await noteScramSha1(store, config.auth.scramSha1)
  const authenticator = new AccountAuthenticator({
    directory: new StoreDirectory(store.read, clock, noteUseIn(store, log)),
    clock,
    log,
    secret: await authSecret(store, random),
    options: config.auth,
  })
  const { jwks, introspection } = config.oauth
  const mechanisms = saslMechanisms({
    random,
    scram: authenticator,
    scramSha1: config.auth.scramSha1,
    vouched: authenticator,
    tokens:
      jwks === undefined && introspection === undefined
        ? undefined
        : new IssuerTokens({ options: config.oauth, clock, files, http: platform.httpClient, log }),
  })
  const journey: Journey =
    config.data === ':memory:' ? silentJourney : new FileJourney(join(config.data, 'journey'), files, clock, log)
  const options = config.transfer
  const tools = { store, clock, random, options, log, journey }
  const receiver = new Receiver({ ...tools, authenticator })
  const routes = await readRoutes(config, files)
  const resolver = withHosts(config.dns.hosts, config.dns.lookups ? platform.resolver : undefined)
  const queue = new Queue({ ...tools, network, resolver, wheel, routes })
  const imap = new StoreImapBackend({ store, clock, messageBytesMax: options.messageBytesMax })
  const pop3 = new StorePop3Backend(store, clock, config.pop3.loginDelayMs)
  const desk = new Desk({ network, clock, wheel, log, limits: config.limits })

  const sessionOf = (listener: ListenerConfig): ((id: string) => Session) | undefined => {
    const startTls = listener.tls === 'starttls'
    if (smtpServices.includes(listener.service)) {
      const service = listener.service as SmtpService
      return (connectionId) =>
        new SmtpServerSession({
          service,
          receiver,
          hostname: config.hostname,
          mechanisms,
          startTls,
          plaintextAuth: listener.plaintextAuth,
          messageBytesMax: options.messageBytesMax,
          bareNewline: listener.bareNewline,
          trusted: ({ address }) => networksHold(config.trustedNetworks, address),
          connectionId,
        })
    }
    if (listener.service === 'pop3' || listener.service === 'pop3s') {
      const { plaintextAuth } = listener
      const { hostname } = config
      return () =>
        new Pop3Session({
          backend: pop3,
          authenticator,
          mechanisms,
          startTls,
          plaintextAuth,
          hostname,
          loginDelaySeconds: Math.ceil(config.pop3.loginDelayMs / 1000),
        })
    }
    if (listener.service !== 'imap' && listener.service !== 'imaps') return undefined
    const imapOptions = {
      backend: imap,
      authenticator,
      mechanisms,
      startTls,
      plaintextAuth: listener.plaintextAuth,
      serverName: 'Pennypost',
    }
    return () => new ImapSession(imapOptions)
  }

  const listening: Listening[] = []
  const httpListeners: Listener[] = []
  let stopping: Promise<void> | undefined
  try {
    for (const listener of config.listeners) {
      if (listener.service === 'http' || listener.service === 'https') {
        const { service, address, port } = listener
        const offers = offersOf(config.hostname, config.listeners)
        const httpTools = {
          read: store.read,
          connections: () => desk.connections,
          ready: () => stopping === undefined,
          discovery: { offers: () => offers, isLocalDomain: store.read.isLocalDomain.bind(store.read), now: clock.now },
        }
        const bound = await platform.http.listen(
          { address, port, tls: service === 'https' ? tls : undefined },
          async (request) => answerHttp(httpTools, request),
        )
        httpListeners.push(bound)
        listening.push({ service, address: bound.address, port: bound.port })
        continue
      }
      const session = sessionOf(listener)
      if (!session) {
        log.warn(`${listener.service} is not served yet: its listener was left out`, {
          address: listener.address,
          port: listener.port,
        })
        continue
      }
      const busy = smtpServices.includes(listener.service)
        ? smtpBusy
        : listener.service.startsWith('pop3')
          ? pop3Busy
          : imapBusy
      const { service, address, port } = listener
      const bound = await desk.open({
        service,
        address,
        port,
        implicitTls: listener.tls === 'implicit',
        tls: services[service].signsIn ? tls.forUsers : tls,
        session,
        busy,
      })
      listening.push({ service, address: bound.address, port: bound.port })
    }
  } catch (error) {
    for (const listener of httpListeners) await listener.close()
    await desk.close(0)
    throw error
  }
  // Not before every port is ours: a password that is shown once must not be lost with a start that fails.
  const firstAccount = await firstStart(config, platform, store)
  queue.start()
  const control =
    config.data === ':memory:'
      ? undefined
      : await serveControl({ store, clock, flushJourney: () => journey.flush() }, { dataFolder: config.data, log })
  const sweeping = sweepNowAndThen(store, clock, log)

  const stop = async (): Promise<void> => {
    sweeping.cancel()
    await control?.close()
    for (const listener of httpListeners) await listener.close()
    await desk.close(config.limits.shutdownGraceMs)
    await queue.stop()
    await journey.flush()
    await store.close()
    endedWith(undefined)
  }
  return {
    config,
    store,
    listening,
    firstAccount,
    ended,
    reload: () => tls.reload(),
    stop: () => (stopping ??= stop()),
  }
}

function certificateNames(config: Config): string[] {
  return [...new Set([config.hostname, 'localhost', ...config.domains])]
}

async function readRoutes(config: Config, files: Files): Promise<StaticRoute[]> {
  return Promise.all(
    config.routes.map(async ({ passwordFile, ...route }): Promise<StaticRoute> => {
      if (passwordFile === undefined) return route
      const bytes = await files.read(passwordFile)
      if (!bytes)
        throw new Error(`The route to ${route.host} names a passwordFile that does not exist: ${passwordFile}`)
      return { ...route, password: latin1(bytes).replace(/\r?\n$/, '') }
    }),
  )
}

/** Configured domains are made; a store without accounts gets one, whose password is told once. */
async function firstStart(
  config: Config,
  { clock, random }: Platform,
  store: Store,
): Promise<FirstAccount | undefined> {
  const missing = config.domains.filter((domain) => !store.read.isLocalDomain(domain))
  if (missing.length > 0) await store.commit(missing.map((name) => ({ kind: 'domainAdd' as const, name })))
  if (config.domains.length === 0 || store.read.accounts('', 1).length > 0) return undefined
  const name = `admin@${config.domains[0]}`
  const password = easyPassword(random.bytes(16))
  await addAccount(store, name, password, { nowMs: clock.now() })
  return { name, password }
}

function sweepNowAndThen(store: Store, clock: Clock, log: Log): Timer {
  let timer: Timer
  const again = (): void => {
    timer = clock.after(sweepEveryMs, () => {
      store
        .sweep(clock.now())
        .catch((error) => log.warn('the sweep failed', { error: String(error) }))
        .finally(again)
    })
  }
  again()
  return { cancel: () => timer.cancel() }
}
