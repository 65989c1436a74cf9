/** Builds the listeners of all services, their sessions and the HTTP pages. */
import type { Live } from '../base/live.ts'
import { networksHold } from '../base/ip-network.ts'
import type { Config, ListenerConfig } from '../config/config.ts'
import type { Wheel } from '../base/wheel.ts'
import { services } from '../config/services.ts'
import { StoreImapBackend } from '../access/imap/backend.ts'
import { StorePop3Backend } from '../access/pop3.ts'
import { Sessions } from '../access/sessions.ts'
import { Acceptor } from '../listen/listen.ts'
import type { Receiver } from '../delivery/receiver.ts'
import type { Store } from '../store/store.ts'
import { answerHttp, type HttpTools } from '../web/http.ts'
import type { People } from './directory.ts'
import type { Lifetime } from './lifetime.ts'
import type { Listeners, Wanted } from './listeners.ts'
import type { Platform, SystemTls } from './platform.ts'
import { busyWords, localSubmissions, sessionsAt, type Rooms } from './services.ts'
import type { Settings } from './settings.ts'
import type { SignIn } from './sign-in.ts'

interface Tools {
  readonly platform: Platform
  readonly settings: Settings
  readonly store: Store
  readonly life: Lifetime
  readonly people: People
  readonly wheel: Wheel
}

/** Signed-in sessions, and the acceptor of connections. */
export function openAcceptor({ platform, settings, store, life, people, wheel }: Tools): {
  readonly sessions: Sessions
  readonly acceptor: Acceptor
} {
  const { clock, network, log } = platform
  const { directory } = settings.config.now
  const recheckMs = (): number => settings.config.now.directory.recheckMs
  const outside = directory.source === 'store' ? undefined : { directory: people.directory, recheckMs }
  const sessions = new Sessions({ store, clock, log, outside })
  life.ends('signed-in sessions', 'outside', () => sessions.close())
  const acceptor = new Acceptor({ network, clock, wheel, log, limits: settings.of('limits'), sessions })
  life.ends('sessions', 'outside', (graceMs) => acceptor.close(graceMs))
  return { sessions, acceptor }
}

/** The rooms that sessions use. */
export function openRooms(
  { platform, settings, store }: Omit<Tools, 'life' | 'people' | 'wheel'>,
  receiver: Receiver,
  signIn: SignIn,
): Rooms {
  const { clock } = platform
  const { config } = settings
  const imap = new StoreImapBackend({ store, clock, messageBytesMax: () => config.now.transfer.messageBytesMax })
  const pop3 = new StorePop3Backend(store, clock, () => config.now.pop3.loginDelayMs)
  return { config, receiver, imap, pop3, ...signIn, clock }
}

export interface Serving {
  readonly platform: Platform
  readonly tls: SystemTls
  readonly acceptor: Acceptor
  readonly rooms: Rooms
  readonly pages: HttpTools
}

/** Opens and closes listeners to match the configuration. */
export function applyListeners(serving: Serving, listeners: Listeners, config: Live<Config>): Promise<void> {
  const { listeners: configured, submitSocket, data } = config.now
  const { unixNetwork } = serving.platform
  const wanted = configured.map((listener): Wanted => {
    const { service, address, port, publicPort: _, ...facts } = listener
    return { service, address, port, facts: JSON.stringify(facts), open: () => openListener(serving, listener) }
  })
  if (data !== ':memory:' && unixNetwork) wanted.push(sendmailAt(serving, submitSocket, unixNetwork))
  return listeners.apply(wanted)
}

function openListener(
  { platform, tls, acceptor, rooms, pages }: Serving,
  listener: ListenerConfig,
): ReturnType<Wanted['open']> {
  const { service, address, port, proxyFrom } = listener
  const proxied = proxyFrom && ((from: string) => networksHold(proxyFrom, from))
  if (service === 'http' || service === 'https') {
    const admit = (from: string): (() => void) | undefined => acceptor.admit(from)
    const place = { address, port, tls: service === 'https' ? tls : undefined, proxied, admit }
    return platform.http.listen(place, (request) => answerHttp(pages, request))
  }
  return acceptor.open({
    ...{ service, address, port, proxied },
    implicitTls: listener.tls === 'implicit',
    tls: services[service].signsIn ? tls.forUsers : tls,
    session: sessionsAt(rooms, listener),
    busy: busyWords(service),
  })
}

function sendmailAt({ acceptor, rooms }: Serving, path: string, unix: NonNullable<Platform['unixNetwork']>): Wanted {
  const place = { service: 'sendmail', address: path, port: 0 } as const
  return {
    ...place,
    facts: '',
    open: () =>
      acceptor.open({
        ...place,
        implicitTls: false,
        tls: undefined,
        session: localSubmissions(rooms),
        busy: busyWords('submission'),
        network: unix(path),
      }),
  }
}
