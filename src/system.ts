/** The one place that builds everything: a configuration in, a running system out. */
import type { AccountId } from './mail/ids.ts'
import { authSecret, noteScramSha1 } from './admin/auth-settings.ts'
import { serveControl } from './admin/control.ts'
import type { Config } from './config/config.ts'
import { openStore } from './store/sqlite/engine.ts'
import type { Store } from './store/store.ts'
import { openPeople } from './system/directory.ts'
import { openFigures, setAside } from './system/figures.ts'
import type { Health } from './system/health.ts'
import { Lifetime } from './system/lifetime.ts'
import { Listeners } from './system/listeners.ts'
import { openQueue, openReceiver, openShared } from './system/mail.ts'
import type { Queue } from './queue/queue.ts'
import type { Platform } from './system/platform.ts'
import { applyListeners, openAcceptor, openRooms, type Serving } from './system/serving.ts'
import { loadSettings, nextStartKeys, Settings, warnOfOldNames } from './system/settings.ts'
import { openSignIn } from './system/sign-in.ts'
import { addDomains, certificateNames, firstStart, makeMissingKeys, sweepNowAndThen } from './system/start.ts'
import type { System } from './system/types.ts'
import { warmUp } from './system/warm.ts'
import { watchLoop } from './system/watchdog.ts'
import { ownPolicy } from './web/discovery/published.ts'
import { offersOf } from './web/discovery/settings.ts'
import type { HttpTools } from './web/http.ts'
import type { FiguresPage } from './web/metrics.ts'

export { realPlatform, type Platform } from './system/platform.ts'

/** Time for a failed start to end what it has begun. */
const failedStartMs = 2000

interface Ended {
  readonly ended: Promise<Error | undefined>
  readonly endedWith: (error: Error | undefined) => void
}

/**
 * @param given an open store, which is closed with the system; undefined: the store in the configured data folder is
 * opened.
 */
export async function startSystem(config: Config, platform: Platform, given?: Store): Promise<System> {
  let endedWith!: (error: Error | undefined) => void
  const ended = new Promise<Error | undefined>((resolve) => (endedWith = resolve))
  const { clock, log, watchSteps } = platform
  const life = new Lifetime({ clock, log, watch: watchSteps })
  if (given) life.ends('store', 'inside', () => given.close())
  try {
    const store = given ?? (await life.step('start store', () => openData(config, platform, endedWith)))
    if (!given) life.ends('store', 'inside', () => store.close())
    return await openSystem(config, platform, store, life, { ended, endedWith })
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

async function openSystem(
  first: Config,
  platform: Platform,
  store: Store,
  life: Lifetime,
  { ended, endedWith }: Ended,
): Promise<System> {
  const { random, files, log } = platform
  warnOfOldNames(first, log)
  const settings = new Settings(await loadSettings(first, files, 'start', life))
  const { config } = settings
  const tls = await life.step('start TLS', () => platform.openTls(first, certificateNames(first)))
  await life.step('start settings', () => noteScramSha1(store, first.auth.scramSha1))
  const people = await life.step('start directory', () => openPeople(first.directory, platform, store))
  life.ends('directory', 'inside', () => people.close())
  const secret = await life.step('start secret', () => authSecret(store, random))
  const listeners = new Listeners(log)
  const of = { platform, settings, store, life, people, listening: () => listeners.listening }
  const shared = await life.step('start trace', () => openShared(of))
  const { accountGuard, trace } = shared.tools
  const signIn = openSignIn({
    ...{ platform, settings, people, secret },
    signedIn: (account, name, peer) => accountGuard.signedIn(account, name, peer.address),
  })
  const queue = await life.step('start queue', () => openQueue(of, shared))
  const receiver = openReceiver(of, shared, queue, signIn.authenticator)
  const { sessions, acceptor } = openAcceptor({ ...of, wheel: shared.wheel })
  life.ends('listeners', 'outside', () => listeners.close())
  const { health, figures, loopDelay } = openFigures({
    ...{ clock: platform.clock, log, process: platform.process, store, people, acceptor, sessions },
    ...{ mailFigures: shared.mailFigures, guard: accountGuard, authenticator: signIn.authenticator },
    resolver: shared.watchedResolver,
    shownCertificate: () => tls.shown(config.now.hostname),
    dataFolder: first.data === ':memory:' ? undefined : first.data,
  })
  life.ends('health', 'outside', () => health.stop())
  let stopping: Promise<readonly string[]> | undefined
  const pages = pagesOf(of, { health, figures, isStopping: () => stopping !== undefined })
  const serving: Serving = { platform, tls, acceptor, rooms: openRooms(of, receiver, signIn), pages }
  await life.step('start listeners', () => applyListeners(serving, listeners, config))
  // Only after all ports are open: a password that is shown once must not be lost by a failed start.
  const firstAccount = await life.step('start first account', () => firstStart(first, platform, store))
  const control = {
    ...{ store, clock: platform.clock, sessions },
    flushTrace: () => trace.flush(),
    certificateShown: (name: string) => tls.shown(name),
    forgetWatched: (account: AccountId) => accountGuard.forget(account),
  }
  await startAside(of, control, (seconds) => loopDelay.of().add(seconds))
  queue.start()
  health.start()
  const stop = async (): Promise<readonly string[]> => {
    const left = await life.end(config.now.limits.shutdownGraceMs)
    endedWith(undefined)
    return left
  }
  return {
    get config() {
      return config.now
    },
    store,
    get listening() {
      return listeners.listening
    },
    firstAccount,
    ended,
    reload: (next) => reload({ ...of, serving, listeners, queue }, next),
    stop: () => (stopping ??= stop()),
  }
}

interface Parts {
  readonly platform: Platform
  readonly settings: Settings
  readonly store: Store
  readonly life: Lifetime
}

/** @returns the keys that take effect at the next start only. */
async function reload(
  {
    platform,
    settings,
    store,
    life,
    ...parts
  }: Parts & {
    readonly serving: Serving
    readonly listeners: Listeners
    readonly queue: Queue
  },
  next: Config,
): Promise<readonly string[]> {
  const { clock, files, log } = platform
  const { serving, listeners, queue } = parts
  const { config } = settings
  const later = nextStartKeys(config.now, next)
  warnOfOldNames(next, log)
  // All that may fail comes before the first change.
  const loaded = await loadSettings(next, files, 'reload', life)
  await life.step('reload domains', () => addDomains(next, store))
  await life.step('reload TLS', () => serving.tls.reload(next))
  settings.swap(loaded)
  queue.configure()
  queue.wake()
  if (config.now.data !== ':memory:') makeMissingKeys(store, clock, log)
  await life.step('reload listeners', () => applyListeners(serving, listeners, config))
  return later
}

/** The data of the HTTP pages. */
function pagesOf(
  { platform, settings: { config }, store }: Parts,
  watched: { readonly health: Health; readonly figures: FiguresPage; readonly isStopping: () => boolean },
): HttpTools {
  const { health } = watched
  return {
    ready: () => !watched.isStopping() && health.look().every(({ stopsMail }) => !stopsMail),
    troubles: () => health.look(),
    metrics: () => watched.figures.text(),
    aside: () => setAside(store),
    discovery: {
      offers: () => offersOf(config.now.hostname, config.now.listeners),
      isLocalDomain: (domain: string) => store.read.isLocalDomain(domain),
      policy: () => ownPolicy(config.now.hostname, config.now.publish),
      now: () => platform.clock.now(),
    },
  }
}

/** Starts control commands, creation of missing keys, the sweep, and the watchdog of the event loop. */
async function startAside(
  { platform, settings, store, life }: Parts,
  tools: Parameters<typeof serveControl>[0],
  loopIsLate: (seconds: number) => void,
): Promise<void> {
  const { clock, log } = platform
  const { data } = settings.config.now
  if (data !== ':memory:') {
    const control = await life.step('start control', () => serveControl(tools, { dataFolder: data, log }))
    life.ends('control', 'outside', () => control.close())
    // In the background: creating keys takes a while, and mail is not signed meanwhile.
    makeMissingKeys(store, clock, log)
  }
  if (platform.hasRealTime) {
    const watchdog = watchLoop(clock, log, loopIsLate)
    life.ends('watchdog', 'inside', () => watchdog.cancel())
  }
  const { warmUp: isWarmed, listeners } = settings.config.now
  // Nothing of it would be the same twice: the simulator has no part in it.
  if (
    platform.hasRealTime &&
    isWarmed &&
    data !== ':memory:' &&
    listeners.some(({ service }) => service.startsWith('imap'))
  ) {
    const warming = warmUp({ clock, log, store })
    life.ends('warm-up', 'outside', () => warming.end())
  }
  const sweeping = sweepNowAndThen(store, clock, log)
  life.ends('sweep', 'outside', () => sweeping.cancel())
}
