/** Accepts messages from SMTP, submission and LMTP. RFC 5321, RFC 6409, RFC 2033. */
import type { AccountId } from '../mail/ids.ts'
import { shutOut } from '../directory/directory.ts'
import type { ReversePath } from '../mail/envelope.ts'
import { Refusal, status } from '../mail/status.ts'
import type { Authenticated, Authenticator } from '../protocol/sasl/authenticator.ts'
import type {
  AddressAnswer,
  MailParameters,
  SmtpClientFacts,
  SmtpConnection,
  SmtpReceiver,
  SmtpTransaction,
  WaitingFor,
} from '../protocol/smtp/backend.ts'
import type { Peer } from '../base/network.ts'
import type { Checks, ConnectionChecks } from '../checks/run-checks.ts'
import { lookUp } from './look-up.ts'
import { Transaction, type TransactionTools } from './transaction.ts'

export interface ReceiverTools extends TransactionTools {
  readonly authenticator: Authenticator
  readonly checks: Checks
  /** Tries what is queued for a host; undefined: ETRN is not offered. */
  readonly flush?: (node: WaitingFor) => Promise<number>
}

export class Receiver implements SmtpReceiver {
  readonly #tools: ReceiverTools
  readonly flush: SmtpReceiver['flush']

  constructor(tools: ReceiverTools) {
    this.#tools = tools
    this.flush = tools.flush
  }

  lookUp(name: string): Promise<AddressAnswer> {
    return lookUp(this.#tools, name)
  }

  verifyPassword(user: string, password: string, peer: Peer): Promise<Authenticated | null> {
    return this.#tools.authenticator.verifyPassword(user, password, peer)
  }

  connected(client: SmtpClientFacts): SmtpConnection {
    return new Connection(this.#tools, this.#tools.checks.begin(client))
  }

  /** A message without a connection that could be followed: it is one of its own. */
  async mail(client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters): Promise<SmtpTransaction> {
    const checks = this.#tools.checks.begin(client)
    try {
      return await new Connection(this.#tools, checks).mail(client, reversePath, parameters)
    } finally {
      checks.closed()
    }
  }
}

class Connection implements SmtpConnection {
  readonly #tools: ReceiverTools
  readonly #checks: ConnectionChecks
  #closed = false

  constructor(tools: ReceiverTools, checks: ConnectionChecks) {
    this.#tools = tools
    this.#checks = checks
  }

  hello(client: SmtpClientFacts): Promise<void> | undefined {
    return this.#checks.hello(client)
  }

  async mail(client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters): Promise<SmtpTransaction> {
    const checks = this.#checks.message(client, reversePath, parameters)
    const transaction = new Transaction(this.#tools, checks, client, reversePath, parameters)
    try {
      // The session belongs to the account that signed in, by id: its name may be another account's by now.
      if (client.user && !(await this.#isStill(client.user))) throw new Refusal(status.authRequired)
      const asked = checks.sender()
      if (asked) await asked
    } catch (error) {
      transaction.declined(error)
      throw error
    }
    // The session that would end it is gone.
    if (this.#closed) transaction.abort()
    return transaction
  }

  async #isStill({ accountId }: Authenticated): Promise<boolean> {
    const account = await this.#tools.store.read.accountById(accountId as AccountId)
    return account !== undefined && !shutOut(account)
  }

  closed(): void {
    this.#closed = true
    this.#checks.closed()
  }
}
