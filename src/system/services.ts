/** The sessions of each listener: a protocol on the rooms of this system. */
import type { Clock } from '../base/clock.ts'
import type { Live } from '../base/live.ts'
import { networksHold } from '../base/ip-network.ts'
import type { Config, ListenerConfig, Service } from '../config/config.ts'
import { status } from '../mail/status.ts'
import type { Session } from '../protocol/action.ts'
import type { ImapBackend } from '../protocol/imap/backend.ts'
import { ImapSession } from '../protocol/imap/session.ts'
import type { Pop3Backend } from '../protocol/pop3/backend.ts'
import { Pop3Session } from '../protocol/pop3/session.ts'
import type { Authenticator, VouchedSource } from '../protocol/sasl/authenticator.ts'
import type { SaslMechanism } from '../protocol/sasl/mechanism.ts'
import type { SmtpReceiver, SmtpService } from '../protocol/smtp/backend.ts'
import { SmtpServerSession } from '../protocol/smtp/session.ts'
import { formatStatus } from '../protocol/smtp/wire/reply.ts'

export interface Rooms {
  /** The current configuration: a reload changes it for new sessions. */
  readonly config: Live<Config>
  readonly receiver: SmtpReceiver
  readonly imap: ImapBackend
  readonly pop3: Pop3Backend
  readonly authenticator: Authenticator & VouchedSource
  readonly mechanisms: readonly SaslMechanism[]
  readonly clock: Clock
}

const smtpServices: readonly Service[] = ['smtp', 'submission', 'submissions', 'lmtp']

const smtpBusy = formatStatus(status.tooManyConnections)
const imapBusy = Buffer.from('* BYE [UNAVAILABLE] Too many connections, try again later\r\n')
const pop3Busy = Buffer.from('-ERR [SYS/TEMP] Too many connections, try again later\r\n')

/** The reply to a refused connection. */
export function busyWords(service: Service): Uint8Array {
  if (smtpServices.includes(service)) return smtpBusy
  return service.startsWith('pop3') ? pop3Busy : imapBusy
}

/** Creates the sessions of a listener. */
export function sessionsAt(rooms: Rooms, listener: ListenerConfig): (connectionId: string) => Session {
  const { config, receiver, authenticator, mechanisms, clock } = rooms
  const { service, plaintextAuth } = listener
  const startTls = listener.tls === 'starttls'
  if (smtpServices.includes(service)) {
    return (connectionId) =>
      new SmtpServerSession({
        service: service as SmtpService,
        receiver,
        hostname: config.now.hostname,
        mechanisms,
        startTls,
        plaintextAuth,
        messageBytesMax: config.now.transfer.messageBytesMax,
        bareNewline: listener.bareNewline,
        trusted: ({ address }) => networksHold(config.now.trustedNetworks, address),
        policy: config.now.smtp,
        clock,
        vouched: rooms.authenticator,
        connectionId,
      })
  }
  if (service === 'pop3' || service === 'pop3s') {
    return () =>
      new Pop3Session({
        backend: rooms.pop3,
        authenticator,
        mechanisms,
        startTls,
        plaintextAuth,
        hostname: config.now.hostname,
        loginDelaySeconds: Math.ceil(config.now.pop3.loginDelayMs / 1000),
      })
  }
  const imapOptions = {
    backend: rooms.imap,
    authenticator,
    mechanisms,
    startTls,
    plaintextAuth,
    serverName: 'Pennypost',
  }
  return () => new ImapSession(imapOptions)
}

/** Mail of this machine's users, by a socket that only they can reach: no password, no TLS, and relaying is allowed. */
export function localSubmissions({ config, receiver, clock }: Rooms): (connectionId: string) => Session {
  return (connectionId) =>
    new SmtpServerSession({
      service: 'submission',
      receiver,
      hostname: config.now.hostname,
      mechanisms: [],
      startTls: false,
      plaintextAuth: false,
      messageBytesMax: config.now.transfer.messageBytesMax,
      bareNewline: 'normalize',
      trusted: () => true,
      policy: config.now.smtp,
      clock,
      connectionId,
    })
}
