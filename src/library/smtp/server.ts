/** An SMTP, submission or LMTP server for a program's own handlers, on real sockets. RFC 5321, RFC 6409, RFC 2033. */
import { networksHold, parseIpNetwork, type IpNetwork } from '../../base/ip-network.ts'
import { silentLog } from '../../base/log.ts'
import { Wheel } from '../../base/wheel.ts'
import { status } from '../../mail/status.ts'
import { realClock } from '../../platform/real/clock.ts'
import { realNetwork } from '../../platform/real/network.ts'
import { realRandom } from '../../platform/real/random.ts'
import { RealTls, type CertificatePair } from '../../platform/real/tls.ts'
import type { Session } from '../../protocol/action.ts'
import type { SmtpService } from '../../protocol/smtp/backend.ts'
import { smtpDefaults, type SmtpPolicy } from '../../protocol/smtp/policy.ts'
import type { SmtpPromise } from '../../protocol/smtp/promises.ts'
import { SmtpServerSession } from '../../protocol/smtp/session.ts'
import { formatStatus } from '../../protocol/smtp/wire/reply.ts'
import { admissionDefaults } from '../../listen/admission.ts'
import { Acceptor } from '../../listen/listen.ts'
import { Calls } from './calls.ts'
import { overheard } from './dialogue.ts'
import { GuardedSession } from './guarded-session.ts'
import { HandlerReceiver } from './receiver.ts'
import {
  graceMsDefault,
  handlerTimeoutMsDefault,
  messageBytesMaxDefault,
  type SmtpCertificate,
  type SmtpServerSettings,
} from './server-options.ts'
import { checkClose, checkListen, checkServerSettings } from './server-option-tables.ts'
import { SmtpSession } from './server-session.ts'
import { canSignIn, SignIn } from './sign-in.ts'

const allPromises: readonly SmtpPromise[] = [
  'SMTPUTF8',
  'DSN',
  'REQUIRETLS',
  'DELIVERBY',
  'MT-PRIORITY',
  'FUTURERELEASE',
]

/** Where a server listens. */
export interface Listening {
  readonly address: string
  readonly port: number
}

export class SmtpServer<User = unknown> {
  readonly service: SmtpService
  readonly #settings: SmtpServerSettings<User>
  readonly #acceptor: Acceptor
  readonly #withheld: readonly SmtpPromise[]
  readonly #policy: SmtpPolicy
  readonly #proxyFrom: readonly IpNetwork[]
  readonly #secret = realRandom.bytes(32)
  #tls: RealTls | undefined
  #closed = false

  /** Does not listen yet. Throws a TypeError for settings that are unknown, of a wrong type, or contradictory. */
  constructor(settings: SmtpServerSettings<User>) {
    checkServerSettings(settings)
    this.#settings = settings
    this.service = settings.service ?? (canSignIn(settings) ? 'submission' : 'smtp')
    if (canSignIn(settings) && !this.service.startsWith('submission'))
      throw new TypeError(`${this.service} has no sign-in: use submission or submissions`)
    if (settings.onCertificate && settings.clientAuthority === undefined)
      throw new TypeError('`onCertificate` needs `clientAuthority`: who may sign certificates')
    if (this.#implicitTls && settings.tls === undefined) throw new TypeError('TLS from the first byte needs `tls`')
    const offers = settings.offers ?? ['SMTPUTF8']
    this.#withheld = allPromises.filter((promise) => !offers.includes(promise))
    this.#policy = { ...smtpDefaults, ...policyOf(settings.policy), xclientFrom: networksOf(settings.xclientFrom) }
    this.#proxyFrom = networksOf(settings.proxyFrom)
    const { connectionsMax, connectionsPerAddressMax } = { ...admissionDefaults, ...defined(settings) }
    this.#acceptor = new Acceptor({
      network: settings.dialogue ? overheard(realNetwork, settings.dialogue) : realNetwork,
      clock: realClock,
      wheel: new Wheel(realClock),
      log: settings.log ?? silentLog,
      limits: { now: { ...admissionDefaults, connectionsMax, connectionsPerAddressMax } },
    })
  }

  get #implicitTls(): boolean {
    return this.#settings.implicitTls ?? this.service === 'submissions'
  }

  /**
   * Starts to listen. May be called again for further addresses and ports.
   * @param port 0: any free one. @param address `::` is every address of the machine. Default: 127.0.0.1.
   * @returns the actual address and port. Rejects as sockets do: EADDRINUSE, EACCES.
   */
  async listen(port: number, address = '127.0.0.1'): Promise<Listening> {
    checkListen(port, address)
    if (this.#closed) throw new Error('the server is closed')
    const { tls } = this.#settings
    if (tls !== undefined) this.#tls ??= new RealTls(await this.#pairsOf(tls), this.#settings.clientAuthority)
    const bound = await this.#acceptor.open({
      service: this.service,
      address,
      port,
      implicitTls: this.#implicitTls,
      tls: this.#tls?.forUsers,
      session: (id) => this.#session(id),
      busy: formatStatus(status.tooManyConnections),
      proxied: this.#proxyFrom.length > 0 ? (from) => networksHold(this.#proxyFrom, from) : undefined,
    })
    return { address: bound.address, port: bound.port }
  }

  async #pairsOf(tls: NonNullable<SmtpServerSettings<User>['tls']>): Promise<readonly CertificatePair[]> {
    if (tls !== 'self-signed') return ('key' in tls ? [tls] : tls).map(pairOf)
    const { makeSelfSigned } = await import('../../platform/real/self-signed.ts')
    return [await makeSelfSigned([this.#hostname], realClock.now())]
  }

  get #hostname(): string {
    return this.#settings.hostname ?? 'localhost'
  }

  /** Uses other certificates for new connections. Throws if they are unusable, and keeps the old ones. */
  useCertificates(certificates: readonly SmtpCertificate[]): void {
    if (!this.#tls)
      throw new TypeError('a server that was made without `tls`, or does not listen yet, has no certificates')
    this.#tls.load(certificates.map(pairOf), this.#settings.clientAuthority)
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#acceptor.connections
  }

  /** A session; the admission desk gives it a connection. */
  #session(id: string): Session {
    const settings = this.#settings
    const session = new SmtpSession<User>(id, this.service)
    const calls = new Calls(settings, session, realClock, settings.handlerTimeoutMs ?? handlerTimeoutMsDefault)
    const signIn = new SignIn(settings, session, calls, this.#secret)
    const authRequired = canSignIn(settings) && settings.authRequired !== false
    const inner = new SmtpServerSession({
      service: this.service,
      receiver: new HandlerReceiver({ handlers: settings, session, calls, signIn, authRequired }),
      hostname: this.#hostname,
      mechanisms: signIn.mechanisms,
      startTls: this.#tls !== undefined && !this.#implicitTls,
      plaintextAuth: settings.plaintextAuth ?? false,
      messageBytesMax: settings.messageBytesMax ?? messageBytesMaxDefault,
      bareNewline: settings.bareNewline,
      policy: this.#policy,
      clock: realClock,
      vouched: undefined,
      withheld: this.#withheld,
      connectionId: id,
    })
    session.attach(inner)
    return new GuardedSession(inner, settings, session, calls)
  }

  /**
   * Takes no new connections; open ones get a 421 as soon as no message is being received. Resolves when all are closed.
   * @param options.graceMs the remaining connections are cut off after this time. Default: 30,000.
   */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    checkClose(options)
    const { graceMs = graceMsDefault } = options
    this.#closed = true
    return this.#acceptor.close(graceMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function pairOf({ cert, key }: SmtpCertificate): CertificatePair {
  const text = (pem: string | Uint8Array): string => (typeof pem === 'string' ? pem : Buffer.from(pem).toString())
  return { certificate: text(cert), key: text(key) }
}

function networksOf(texts: readonly string[] = []): IpNetwork[] {
  return texts.map((text) => {
    const network = parseIpNetwork(text)
    if (!network) throw new TypeError(`"${text}" is no IP network`)
    return network
  })
}

/** Without the keys whose value is undefined. */
function defined<T extends object>(settings: T): Partial<T> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Partial<T>
}

function policyOf(policy: SmtpServerSettings<unknown>['policy'] = {}): Partial<SmtpPolicy> {
  const { addressQueries, ...more } = policy
  if (addressQueries === undefined) return more
  return { ...more, addressQueries: addressQueries === 'nobody' ? 'none' : addressQueries }
}
