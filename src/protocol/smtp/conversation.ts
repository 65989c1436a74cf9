/** What verbs see of an SMTP session: the client, what it has said so far, and what it may do now. RFC 5321 §3, §4.1.4. */
import { networksHold } from '../../base/ip-network.ts'
import type { Peer } from '../../base/network.ts'
import type { Action, SessionHost } from '../action.ts'
import type { CommandTable } from '../command.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import { offeredMechanisms, type SaslMechanism } from '../sasl/mechanism.ts'
import type { SmtpClientFacts, SmtpConnection, SmtpTransaction } from './backend.ts'
import type { ServerState, SmtpCommand } from './command.ts'
import { ErrorLimits } from './error-limits.ts'
import { factsOf } from './facts.ts'
import { peerBehind, type Forwarded } from './forwarded.ts'
import type { MessageIntake } from './message-intake.ts'
import type { SmtpServerOptions } from './options.ts'
import { smtpDefaults, type SmtpPolicy } from './policy.ts'

/** `SmtpServerSession` adds the order of things. */
export abstract class OpenConversation implements ServerState {
  readonly options: SmtpServerOptions
  readonly commands: CommandTable<SmtpCommand>
  readonly policy: SmtpPolicy
  readonly errorLimits: ErrorLimits
  host!: SessionHost
  connection!: SmtpConnection
  origin: Forwarded | undefined
  helo: string | undefined
  extended = false
  user: Authenticated | null = null
  transaction: SmtpTransaction | undefined
  recipients = 0
  smtpUtf8 = false
  binary = false
  /** What a proxy has said of its client; what it says later is added. */
  protected proxied: Forwarded | undefined
  /** The message that comes: by DATA until its end, by BDAT from the first piece to the last. */
  protected intake: MessageIntake | undefined

  constructor(options: SmtpServerOptions, commands: CommandTable<SmtpCommand>) {
    this.options = options
    this.commands = commands
    this.policy = options.policy ?? smtpDefaults
    this.errorLimits = new ErrorLimits(this.policy)
  }

  get peer(): Peer {
    return this.proxied ? peerBehind(this.host.peer, this.proxied) : this.host.peer
  }

  get mayForward(): boolean {
    return networksHold(this.policy.xclientFrom, this.host.peer.address)
  }

  get trusted(): boolean {
    return this.options.trusted?.(this.peer) ?? false
  }

  get facts(): SmtpClientFacts {
    return factsOf(this, this.proxied)
  }

  get submission(): boolean {
    return this.options.service === 'submission' || this.options.service === 'submissions'
  }

  get known(): boolean {
    return this.user !== null || this.trusted
  }

  get nowMs(): number | undefined {
    return this.options.clock?.now()
  }

  get mayStartTls(): boolean {
    return this.options.startTls && this.host.tls === null
  }

  get mechanisms(): readonly SaslMechanism[] {
    const { startTls, plaintextAuth, mechanisms } = this.options
    return this.submission ? offeredMechanisms(mechanisms, { tls: this.host.tls, startTls, plaintextAuth }) : []
  }

  get chunking(): boolean {
    return this.intake?.inOrder === true
  }

  reset(): void {
    this.transaction?.abort()
    this.transaction = undefined
    this.recipients = 0
    this.smtpUtf8 = false
    this.binary = false
    this.origin = undefined
    this.intake = undefined
  }

  /** The transaction is over for us whatever becomes of it; a client that leaves now changes nothing. RFC 1047. */
  release(): SmtpTransaction {
    const transaction = this.transaction!
    // So that it is not aborted.
    this.transaction = undefined
    this.reset()
    return transaction
  }

  /** The receiver follows this connection from here on, as of the client that it speaks for now. */
  protected connect(): void {
    const { receiver } = this.options
    this.connection = receiver.connected?.(this.facts) ?? receiver
  }

  /** As if nothing had been said yet. */
  protected beginAnew(user: Authenticated | null): void {
    this.reset()
    this.helo = undefined
    this.extended = false
    this.user = user
    this.host.signedIn?.(user)
  }

  abstract part(words: Uint8Array): Uint8Array
  abstract startTls(): Action
  abstract speakFor(client: Forwarded): Uint8Array | Promise<Uint8Array>
  abstract authenticate(mechanism: SaslMechanism, initial: Uint8Array | undefined): Promise<Uint8Array>
  abstract takeData(): Uint8Array
  abstract takeChunk(octets: number, last: boolean): Uint8Array
}
