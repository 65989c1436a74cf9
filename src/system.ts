/** The one place that builds everything: a configuration in, a running system out. */
import type { Log } from './base/log.ts'
import { watchLoop } from './system/watchdog.ts'
import { join } from 'node:path'
import { AccountWatch } from './directory/account-watch.ts'
import { AccountAuthenticator } from './directory/authenticator.ts'
import { IssuerTokens } from './directory/tokens.ts'
import { networksHold } from './base/ip-network.ts'
import { Wheel } from './base/wheel.ts'
import type { Config, ListenerConfig } from './config/config.ts'
import { services } from './config/services.ts'
import { saslMechanisms } from './protocol/sasl/mechanisms.ts'
import type { WaitingFor } from './protocol/smtp/backend.ts'
import { authSecret, noteScramSha1 } from './admin/auth-settings.ts'
import { serveControl } from './admin/control.ts'
import { ownPolicy } from './web/discovery/published.ts'
import { offersOf } from './web/discovery/settings.ts'
import { answerHttp } from './web/http.ts'
import { StoreImapBackend } from './access/imap.ts'
import { Acceptor } from './listen/listen.ts'
import { NetworkPace } from './listen/smtp-rate-limits.ts'
import { StorePop3Backend } from './access/pop3.ts'
import { openStore } from './store/sqlite/engine.ts'
import type { Store } from './store/store.ts'
import { Sessions } from './access/sessions.ts'
import { openPeople } from './system/directory.ts'
import { openFigures } from './system/figures.ts'
import { WatchedResolver } from './system/health-checks.ts'
import { Lifetime } from './system/lifetime.ts'
import { Listeners, type Wanted } from './system/listeners.ts'
import type { Platform } from './system/platform.ts'
import { openRewriting } from './system/rewriting.ts'
import { busyWords, localSubmissions, sessionsAt } from './system/services.ts'
import {
  addDomains,
  certificateNames,
  firstStart,
  makeMissingKeys,
  readAuthorities,
  readRoutes,
  sweepNowAndThen,
} from './system/start.ts'
import type { System } from './system/types.ts'
import { openPolicies, openReports, ownAddresses, ownPlaces } from './system/outbound.ts'
import { flushWaiting } from './queue/flush.ts'
import { withHosts } from './transport/hosts.ts'
import { MailFigures, MailLog } from './delivery/mail-log.ts'
import { FileTrace, silentTrace, type Trace } from './delivery/trace.ts'
import { Authenticity } from './delivery/checks/authenticity.ts'
import { SigningKeys } from './delivery/signing.ts'
import { Queue } from './queue/queue.ts'
import { StoreAccountGuard } from './queue/account-guard.ts'
import { FairOrder } from './delivery/fair-order.ts'
import { Receiver } from './delivery/receiver.ts'

export { realPlatform, type Platform } from './system/platform.ts'

/** How long a start that failed may take to end what it had begun. */
const failedStartMs = 2000

/** @param given a store that is open already, and is closed with the system; else the one in the configured data folder is opened. */
export async function startSystem(config: Config, platform: Platform, given?: Store): Promise<System> {
  let endedWith!: (error: Error | undefined) => void
  const ended = new Promise<Error | undefined>((resolve) => (endedWith = resolve))
  const { clock, log, watchSteps } = platform
  const life = new Lifetime({ clock, log, watch: watchSteps })
  if (given) life.ends('store', 'inside', () => given.close())
  try {
    const store = given ?? (await life.step('start store', () => openData(config, platform, endedWith)))
    if (!given) life.ends('store', 'inside', () => store.close())
    return await openSystem(config, platform, store, life, ended, endedWith)
  } catch (error) {
    await life.end(failedStartMs)
    throw error
  }
}

async function openData(config: Config, { clock, log }: Platform, broken: (error: Error) => void): Promise<Store> {
  const store = await openStore({ folder: config.data, clock, log, broken })
  if (store.replayed > 0) log.info('recovered', { records: store.replayed })
  return store
}

/** What a running system cannot change: it was built with it. */
function nextStartKeys(before: Config, after: Config): string[] {
  const keys = ['hostname', 'data', 'origin', 'user', 'group', 'oauth', 'directory'] as const
  const changed: string[] = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  for (const key of ['scramSha1', 'scramPlus'] as const)
    if (before.auth[key] !== after.auth[key]) changed.push(`auth.${key}`)
  for (const key of ['servers', 'validated'] as const)
    if (JSON.stringify(before.dns[key]) !== JSON.stringify(after.dns[key])) changed.push(`dns.${key}`)
  return changed
}

function tellOldNames({ warnings }: Config, log: Log): void {
  for (const { file, line, text, hint } of warnings)
    log.warn('configuration has an old name', { file, line, text, hint })
}

async function openSystem(
  first: Config,
  platform: Platform,
  store: Store,
  life: Lifetime,
  ended: Promise<Error | undefined>,
  endedWith: (error: Error | undefined) => void,
): Promise<System> {
  const { clock, random, network, files, log } = platform
  tellOldNames(first, log)
  const inMemory = first.data === ':memory:'
  const live = { config: first }
  // The rooms hold these: a reload changes them in place.
  const options = { ...first.transfer }
  const limits = { ...first.limits }
  const auth = { ...first.auth }
  const checks = { ...first.authenticity }
  const senderRules = [...first.senderRules]
  const routes = await life.step('start routes', () => readRoutes(first, files))
  const authorities = await life.step('start authorities', () => readAuthorities(first, files))
  const relay = { ...first.relay }
  const reports = { ...first.reports }
  const rules = [...first.destinations]
  const fairOrder = new FairOrder()
  const wheel = new Wheel(clock)
  const tls = await life.step('start TLS', () => platform.openTls(first, certificateNames(first)))
  await life.step('start settings', () => noteScramSha1(store, auth.scramSha1))
  const people = await life.step('start directory', () => openPeople(first.directory, platform, store))
  life.ends('directory', 'inside', () => people.close())
  const secret = await life.step('start secret', () => authSecret(store, random))
  const authenticator = new AccountAuthenticator({
    directory: people.directory,
    clock,
    log,
    secret,
    options: auth,
    signedIn: (account, name, peer) => guard.signedIn(account, name, peer.address),
  })
  const { jwks, introspection } = first.oauth
  const mechanisms = saslMechanisms({
    random,
    // A client that takes the strongest mechanism would fail for everybody whose password is elsewhere.
    scram: first.directory.source === 'store' || first.directory.scram ? authenticator : undefined,
    scramSha1: auth.scramSha1,
    scramPlus: auth.scramPlus,
    vouched: authenticator,
    tokens:
      jwks === undefined && introspection === undefined
        ? undefined
        : authenticator.guarded(
            new IssuerTokens({ options: first.oauth, clock, files, http: platform.httpClient, log }),
          ),
  })
  const mailFigures = new MailFigures()
  const trace: Trace = inMemory ? silentTrace : new FileTrace(join(first.data, 'journey'), files, clock, log)
  const journey = new MailLog(trace, { clock, log, figures: mailFigures })
  life.ends('journey', 'inside', () => journey.flush())
  const watchOptions = (): Config['accountWatch'] => live.config.accountWatch
  const guard = new StoreAccountGuard(
    {
      store,
      clock,
      random,
      options,
      log,
      journey,
      fairOrder,
      externalDirectory: people.externalDirectory,
      watchOptions,
    },
    (suspected) => new AccountWatch({ clock, options: watchOptions, suspected }),
  )
  const tools = {
    store,
    clock,
    random,
    options,
    log,
    journey,
    fairOrder,
    externalDirectory: people.externalDirectory,
    accountGuard: guard,
  }
  const watched = new WatchedResolver(platform.resolver)
  const resolver = withHosts(() => live.config.dns, watched)
  const authenticity = new Authenticity({
    resolver,
    clock,
    random,
    hostname: first.hostname,
    options: checks,
    rules: senderRules,
  })
  const signingKeys = new SigningKeys(store.read)
  const flush = async (node: WaitingFor): Promise<number> => {
    const count = await flushWaiting({ store, clock }, node)
    queue.wake()
    return count
  }
  const rewriting = openRewriting(first, options)
  const { httpClient } = platform
  const sts = openPolicies({ ...tools, resolver, httpClient, authorities })
  life.ends('policies', 'outside', () => sts.timer.cancel())
  const { notes: tlsNotes, reporter } = openReports({ ...tools, resolver, httpClient, signingKeys, reports })
  life.ends('reports', 'outside', () => reporter.stop())
  const isOurs = ownPlaces(() => listeners.listening, platform.ownAddresses)
  const queue = new Queue({
    ...tools,
    network,
    resolver,
    wheel,
    routes,
    rules,
    sts,
    authorities,
    isOurs,
    tlsNotes,
    signingKeys,
  })
  life.ends('queue', 'outside', (graceMs) => queue.stop(graceMs))
  const receiver = new Receiver({
    ...tools,
    ...rewriting.tools,
    relay,
    authenticity,
    signingKeys,
    authenticator,
    flush,
    isOwnAddress: ownAddresses(() => listeners.listening, platform.ownAddresses),
    immediateDelivery: queue,
  })
  const imap = new StoreImapBackend({ store, clock, messageBytesMax: () => options.messageBytesMax })
  const pop3 = new StorePop3Backend(store, clock, () => live.config.pop3.loginDelayMs)
  const outside =
    first.directory.source === 'store'
      ? undefined
      : { directory: people.directory, recheckMs: () => live.config.directory.recheckMs }
  const sessions = new Sessions({ store, clock, log, outside })
  life.ends('signed-in sessions', 'outside', () => sessions.close())
  const acceptor = new Acceptor({ network, clock, wheel, log, limits, sessions })
  life.ends('sessions', 'outside', (graceMs) => acceptor.close(graceMs))
  const pace = new NetworkPace({ clock, log, options: () => live.config.smtp, networks: () => live.config.limits })
  const rooms = { live, receiver, imap, pop3, authenticator, mechanisms, clock, pace }
  const listeners = new Listeners(log)
  life.ends('listeners', 'outside', () => listeners.close())
  let stopping: Promise<readonly string[]> | undefined

  const { health, figures, loopDelay } = openFigures({
    ...{ clock, log, store, people, authenticator, acceptor, sessions, mailFigures, guard },
    resolver: watched,
    shownCertificate: () => tls.shown(live.config.hostname),
    process: platform.process,
    dataFolder: inMemory ? undefined : first.data,
  })
  life.ends('health', 'outside', () => health.stop())
  const pages = {
    ready: () => stopping === undefined && health.look().every(({ stopsMail }) => !stopsMail),
    troubles: () => health.look(),
    metrics: () => figures.text(),
    aside: () => ({ quarantined: store.quarantine.count(), lost: store.lost().length }),
    discovery: {
      offers: () => offersOf(live.config.hostname, live.config.listeners),
      isLocalDomain: (domain: string) => store.read.isLocalDomain(domain),
      policy: () => ownPolicy(live.config.hostname, live.config.publish),
      now: () => clock.now(),
    },
  }
  const open = (listener: ListenerConfig): ReturnType<Wanted['open']> => {
    const { service, address, port, proxyFrom } = listener
    const proxied = proxyFrom && ((from: string) => networksHold(proxyFrom, from))
    if (service === 'http' || service === 'https') {
      const admit = (from: string): (() => void) | undefined => acceptor.admit(from)
      const place = { address, port, tls: service === 'https' ? tls : undefined, proxied, admit }
      return platform.http.listen(place, (request) => answerHttp(pages, request))
    }
    return acceptor.open({
      service,
      address,
      port,
      implicitTls: listener.tls === 'implicit',
      proxied,
      tls: services[service].signsIn ? tls.forUsers : tls,
      session: sessionsAt(rooms, listener),
      busy: busyWords(service),
    })
  }
  const wantedBy = ({ listeners: wanted, submitSocket }: Config): Wanted[] => [
    ...wanted.map((listener): Wanted => {
      const { service, address, port, publicPort: _, ...facts } = listener
      return { service, address, port, facts: JSON.stringify(facts), open: () => open(listener) }
    }),
    ...(inMemory || !platform.unixNetwork ? [] : [sendmailAt(submitSocket, platform.unixNetwork)]),
  ]
  const sendmailAt = (path: string, unix: NonNullable<Platform['unixNetwork']>): Wanted => ({
    service: 'sendmail',
    address: path,
    port: 0,
    facts: '',
    open: () =>
      acceptor.open({
        service: 'sendmail',
        address: path,
        port: 0,
        implicitTls: false,
        tls: undefined,
        session: localSubmissions(rooms),
        busy: busyWords('submission'),
        network: unix(path),
      }),
  })

  await life.step('start listeners', () => listeners.apply(wantedBy(first)))
  // Not before every port is ours: a password that is shown once must not be lost with a start that fails.
  const firstAccount = await life.step('start first account', () => firstStart(first, platform, store))
  if (!inMemory) {
    const control = await life.step('start control', () =>
      serveControl(
        {
          ...{ store, clock, sessions },
          flushTrace: () => journey.flush(),
          certificateShown: (name) => tls.shown(name),
          forgetWatched: (account) => guard.forget(account),
        },
        { dataFolder: first.data, log },
      ),
    )
    life.ends('control', 'outside', () => control.close())
    // Behind the start: making keys takes a while, and mail goes without a signature meanwhile.
    makeMissingKeys(store, clock, log)
  }
  if (platform.hasRealTime) {
    const watchdog = watchLoop(clock, log, (seconds) => loopDelay.of().add(seconds))
    life.ends('watchdog', 'inside', () => watchdog.cancel())
  }
  const sweeping = sweepNowAndThen(store, clock, log)
  life.ends('sweep', 'outside', () => sweeping.cancel())
  queue.start()
  health.start()

  const reload = async (next: Config): Promise<readonly string[]> => {
    const later = nextStartKeys(live.config, next)
    tellOldNames(next, log)
    const { hostname, data, origin } = live.config
    // Whatever may fail comes before the first change.
    const nextRoutes = await life.step('reload routes', () => readRoutes(next, files))
    const nextAuthorities = await life.step('reload authorities', () => readAuthorities(next, files))
    await life.step('reload domains', () => addDomains(next, store))
    await life.step('reload TLS', () => tls.reload(next))
    live.config = { ...next, hostname, data, origin }
    Object.assign(options, next.transfer, { hostname })
    Object.assign(limits, next.limits)
    Object.assign(auth, next.auth)
    Object.assign(checks, next.authenticity)
    senderRules.splice(0, senderRules.length, ...next.senderRules)
    rewriting.reload(next)
    Object.assign(relay, next.relay)
    Object.assign(reports, next.reports)
    authorities.splice(0, authorities.length, ...nextAuthorities)
    routes.splice(0, routes.length, ...nextRoutes)
    rules.splice(0, rules.length, ...next.destinations)
    queue.configure()
    queue.wake()
    if (!inMemory) makeMissingKeys(store, clock, log)
    await life.step('reload listeners', () => listeners.apply(wantedBy(live.config)))
    return later
  }
  const stop = async (): Promise<readonly string[]> => {
    const left = await life.end(limits.shutdownGraceMs)
    endedWith(undefined)
    return left
  }
  return {
    get config() {
      return live.config
    },
    store,
    get listening() {
      return listeners.listening
    },
    firstAccount,
    ended,
    reload,
    stop: () => (stopping ??= stop()),
  }
}
