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
  SmtpReceiver,
  SmtpTransaction,
  WaitingFor,
} from '../protocol/smtp/backend.ts'
import type { Peer } from '../base/network.ts'
import { lookUp } from './look-up.ts'
import { Transaction, type TransactionTools } from './transaction.ts'

export interface ReceiverTools extends TransactionTools {
  readonly authenticator: Authenticator
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

  async #isStill({ accountId }: Authenticated): Promise<boolean> {
    const account = await this.#tools.store.read.accountById(accountId as AccountId)
    return account !== undefined && !shutOut(account)
  }

  lookUp(name: string): Promise<AddressAnswer> {
    return lookUp(this.#tools, name)
  }

  verifyPassword(user: string, password: string, peer: Peer): Promise<Authenticated | null> {
    return this.#tools.authenticator.verifyPassword(user, password, peer)
  }

  async mail(client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters): Promise<SmtpTransaction> {
    const transaction = new Transaction(this.#tools, client, reversePath, parameters)
    try {
      // The session belongs to the account that signed in, by id: its name may be another account's by now.
      if (client.user && !(await this.#isStill(client.user))) throw new Refusal(status.authRequired)
      await transaction.checkSender()
      return transaction
    } catch (error) {
      transaction.noteRefused(error)
      throw error
    }
  }
}
