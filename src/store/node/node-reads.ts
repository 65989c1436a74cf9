/** The reads that a store publishes: what a node remembers, and the engine's rows for the rest. */
import type { EngineRows } from '../engine.ts'
import type { StoreReads } from '../store.ts'
import type { RememberedDirectory } from './remembered-directory.ts'
import type { Tables } from './tables.ts'

export function nodeReads(rows: EngineRows, directory: RememberedDirectory, tables: Tables): StoreReads {
  return {
    domains: directory.domains.bind(directory),
    isLocalDomain: directory.isLocalDomain.bind(directory),
    user: directory.user.bind(directory),
    address: directory.address.bind(directory),
    alias: directory.alias.bind(directory),
    mailboxId: directory.mailboxId.bind(directory),
    async table(mailbox) {
      await rows.upToDate(mailbox)
      return tables.hold(mailbox)
    },

    // The rest as the engine has it.
    account: rows.account.bind(rows),
    accountById: rows.accountById.bind(rows),
    usedBytes: rows.usedBytes.bind(rows),
    accounts: rows.accounts.bind(rows),
    aliases: rows.aliases.bind(rows),
    credentials: rows.credentials.bind(rows),
    setting: rows.setting.bind(rows),
    mailboxes: rows.mailboxes.bind(rows),
    mailbox: rows.mailbox.bind(rows),
    mailboxByName: rows.mailboxByName.bind(rows),
    subscriptions: rows.subscriptions.bind(rows),
    upToDate: rows.upToDate.bind(rows),
    rows: rows.rows.bind(rows),
    search: rows.search.bind(rows),
    emails: rows.emails.bind(rows),
    threads: rows.threads.bind(rows),
    emailChanges: rows.emailChanges.bind(rows),
    mailboxesGone: rows.mailboxesGone.bind(rows),
    identities: rows.identities.bind(rows),
    queue: rows.queue.bind(rows),
    queueWhere: rows.queueWhere.bind(rows),
    queueRecipient: rows.queueRecipient.bind(rows),
    queueSiblings: rows.queueSiblings.bind(rows),
    queueAttempts: rows.queueAttempts.bind(rows),
    queueShape: rows.queueShape.bind(rows),
    queueDue: rows.queueDue.bind(rows),
    queuedContent: rows.queuedContent.bind(rows),
    ledger: rows.ledger.bind(rows),
    ledgerWhere: rows.ledgerWhere.bind(rows),
    messagesFrom: rows.messagesFrom.bind(rows),
    counts: rows.counts.bind(rows),
  }
}
