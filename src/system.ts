/** The one place that builds everything: a configuration in, a running system out. */
import { join } from 'node:path'
import { AccountAuthenticator } from './accounts/authenticator.ts'
import { IssuerTokens } from './accounts/tokens.ts'
import { networksHold } from './base/ip-network.ts'
import { Wheel } from './base/wheel.ts'
import type { Config, ListenerConfig } from './config/config.ts'
import { services } from './config/services.ts'
import { saslMechanisms } from './protocol/sasl/mechanisms.ts'
import type { WaitingFor } from './protocol/smtp/backend.ts'
import { authSecret, noteScramSha1 } from './server/auth-settings.ts'
import { serveControl } from './server/control.ts'
import { ownPolicy } from './server/discovery/published.ts'
import { offersOf } from './server/discovery/settings.ts'
import { answerHttp } from './server/http.ts'
import { StoreImapBackend } from './server/imap.ts'
import { Desk } from './server/listen.ts'
import { NetworkPace } from './server/smtp-pace.ts'
import { StorePop3Backend } from './server/pop3.ts'
import { openStore } from './store/sqlite/engine.ts'
import type { Store } from './store/store.ts'
import { openPeople } from './system/directory.ts'
import { Listeners, type Wanted } from './system/listeners.ts'
import type { Platform } from './system/platform.ts'
import { openShaping } from './system/shaping.ts'
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
import { openPolicies, openReports, ownPlaces } from './system/ways.ts'
import { flushWaiting } from './transfer/flush.ts'
import { withHosts } from './transfer/hosts.ts'
import { FileJourney, silentJourney, type Journey } from './transfer/journey.ts'
import { Authenticity } from './transfer/checks/authenticity.ts'
import { SigningKeys } from './transfer/signing.ts'
import { Queue } from './transfer/queue/queue.ts'
import { Turns } from './transfer/queue/turns.ts'
import { Receiver } from './transfer/receiver.ts'

export { realPlatform, type Platform } from './system/platform.ts'

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

async function openSystem(
  first: Config,
  platform: Platform,
  store: Store,
  ended: Promise<Error | undefined>,
  endedWith: (error: Error | undefined) => void,
): Promise<System> {
  const { clock, random, network, files, log } = platform
  const inMemory = first.data === ':memory:'
  const live = { config: first }
  // The rooms hold these: a reload changes them in place.
  const options = { ...first.transfer }
  const limits = { ...first.limits }
  const auth = { ...first.auth }
  const checks = { ...first.authenticity }
  const senderRules = [...first.senderRules]
  const routes = await readRoutes(first, files)
  const authorities = await readAuthorities(first, files)
  const relay = { ...first.relay }
  const reports = { ...first.reports }
  const rules = [...first.destinations]
  const turns = new Turns()
  const wheel = new Wheel(clock)
  const tls = await platform.openTls(first, certificateNames(first))
  await noteScramSha1(store, auth.scramSha1)
  const people = await openPeople(first.directory, platform, store)
  const authenticator = new AccountAuthenticator({
    directory: people.directory,
    clock,
    log,
    secret: await authSecret(store, random),
    options: auth,
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
  const journey: Journey = inMemory ? silentJourney : new FileJourney(join(first.data, 'journey'), files, clock, log)
  const tools = { store, clock, random, options, log, journey, turns, book: people.book }
  const resolver = withHosts(() => live.config.dns, platform.resolver)
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
  const shaping = openShaping(first, options)
  const { httpClient } = platform
  const sts = openPolicies({ ...tools, resolver, httpClient, authorities })
  const { notes: tlsNotes, reporter } = openReports({ ...tools, resolver, httpClient, signingKeys, reports })
  const isOurs = ownPlaces(() => listeners.listening, platform.ownAddresses)
  const queue = new Queue({ ...tools, network, resolver, wheel, routes, rules, sts, authorities, isOurs, tlsNotes })
  const receiver = new Receiver({
    ...tools,
    ...shaping.tools,
    relay,
    authenticity,
    signingKeys,
    authenticator,
    flush,
    firstAttempts: queue,
  })
  const imap = new StoreImapBackend({ store, clock, messageBytesMax: () => options.messageBytesMax })
  const pop3 = new StorePop3Backend(store, clock, () => live.config.pop3.loginDelayMs)
  const desk = new Desk({ network, clock, wheel, log, limits })
  const pace = new NetworkPace({ clock, log, options: () => live.config.smtp, networks: () => live.config.limits })
  const rooms = { live, receiver, imap, pop3, authenticator, mechanisms, clock, pace }
  const listeners = new Listeners(log)
  let stopping: Promise<void> | undefined

  const pages = {
    read: store.read,
    connections: () => desk.connections,
    ready: () => stopping === undefined,
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
      const place = { address, port, tls: service === 'https' ? tls : undefined, proxied }
      return platform.http.listen(place, async (request) => answerHttp(pages, request))
    }
    return desk.open({
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
      desk.open({
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

  try {
    await listeners.apply(wantedBy(first))
  } catch (error) {
    await listeners.close()
    await desk.close(0)
    sts.timer.cancel()
    await reporter.stop()
    people.close()
    throw error
  }
  // Not before every port is ours: a password that is shown once must not be lost with a start that fails.
  const firstAccount = await firstStart(first, platform, store)
  queue.start()
  // Behind the start: making keys takes a while, and mail goes without a signature meanwhile.
  if (!inMemory) makeMissingKeys(store, clock, log)
  const control = inMemory
    ? undefined
    : await serveControl(
        { store, clock, flushJourney: () => journey.flush(), certificateShown: (name) => tls.shown(name) },
        { dataFolder: first.data, log },
      )
  const sweeping = sweepNowAndThen(store, clock, log)

  const reload = async (next: Config): Promise<readonly string[]> => {
    const later = nextStartKeys(live.config, next)
    const { hostname, data, origin } = live.config
    const nextRoutes = await readRoutes(next, files)
    const nextAuthorities = await readAuthorities(next, files)
    await tls.reload(next)
    live.config = { ...next, hostname, data, origin }
    Object.assign(options, next.transfer, { hostname })
    Object.assign(limits, next.limits)
    Object.assign(auth, next.auth)
    Object.assign(checks, next.authenticity)
    senderRules.splice(0, senderRules.length, ...next.senderRules)
    shaping.reload(next)
    Object.assign(relay, next.relay)
    Object.assign(reports, next.reports)
    authorities.splice(0, authorities.length, ...nextAuthorities)
    routes.splice(0, routes.length, ...nextRoutes)
    rules.splice(0, rules.length, ...next.destinations)
    queue.configure()
    await addDomains(next, store)
    if (!inMemory) makeMissingKeys(store, clock, log)
    await listeners.apply(wantedBy(live.config))
    queue.wake()
    return later
  }
  const stop = async (): Promise<void> => {
    sweeping.cancel()
    sts.timer.cancel()
    await control?.close()
    const closed = listeners.close()
    await desk.close(limits.shutdownGraceMs)
    await closed
    await queue.stop()
    await reporter.stop()
    people.close()
    await journey.flush()
    await store.close()
    endedWith(undefined)
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
