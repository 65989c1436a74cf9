/** IMAP's backend on the store. */
import type { AccountId } from '../../mail/ids.ts'
import type { ImapAccount, ImapBackend } from '../../protocol/imap/backend.ts'
import type { Authenticated } from '../../protocol/sasl/authenticator.ts'
import { StoreImapAccount } from './account.ts'
import type { ImapTools } from './tools.ts'

export class StoreImapBackend implements ImapBackend {
  readonly #tools: ImapTools

  constructor(tools: ImapTools) {
    this.#tools = tools
  }

  async open(user: Authenticated): Promise<ImapAccount> {
    return new StoreImapAccount(this.#tools, user.accountId as AccountId)
  }
}
