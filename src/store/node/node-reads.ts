/** The reads that a store publishes: what a node remembers, and the engine's rows for the rest. */
import type { EngineRows } from '../engine.ts'
import type { StoreReads } from '../store.ts'
import type { RememberedDirectory } from './remembered-directory.ts'
import type { Tables } from './tables.ts'

export function nodeReads(rows: EngineRows, directory: RememberedDirectory, tables: Tables): StoreReads {
  return {
    domains: () => directory.domains(),
    isLocalDomain: (domain) => directory.isLocalDomain(domain),
    user: (name) => directory.user(name),
    address: (address) => directory.address(address),
    alias: (address) => directory.alias(address),
    mailboxId: (account, name) => directory.mailboxId(account, name),
    async table(mailbox) {
      await rows.upToDate(mailbox)
      return tables.hold(mailbox)
    },

    account: (name) => rows.account(name),
    accountById: (id) => rows.accountById(id),
    usedBytes: (account) => rows.usedBytes(account),
    accounts: (after, limit) => rows.accounts(after, limit),
    aliases: (after, limit) => rows.aliases(after, limit),
    credentials: (account, kind) => rows.credentials(account, kind),
    setting: (name) => rows.setting(name),
    mailboxes: (account) => rows.mailboxes(account),
    mailbox: (id) => rows.mailbox(id),
    mailboxByName: (account, name) => rows.mailboxByName(account, name),
    subscriptions: (account) => rows.subscriptions(account),
    upToDate: (mailbox) => rows.upToDate(mailbox),
    rows: (mailbox, uids, need) => rows.rows(mailbox, uids, need),
    search: (mailbox, key, within, options) => rows.search(mailbox, key, within, options),
    identities: (mailbox, after, limit) => rows.identities(mailbox, after, limit),
    queue: (after, limit) => rows.queue(after, limit),
    queueWhere: (filter, after, limit) => rows.queueWhere(filter, after, limit),
    queueRecipient: (id) => rows.queueRecipient(id),
    queueSiblings: (row, limit) => rows.queueSiblings(row, limit),
    queueAttempts: (recipient) => rows.queueAttempts(recipient),
    queueShape: (after, nowMs) => rows.queueShape(after, nowMs),
    queueDue: () => rows.queueDue(),
    queuedContent: (entry) => rows.queuedContent(entry),
    ledger: (arrivalId) => rows.ledger(arrivalId),
    ledgerWhere: (after, before, recipient, limit) => rows.ledgerWhere(after, before, recipient, limit),
    messagesFrom: (mailbox, uid) => rows.messagesFrom(mailbox, uid),
    counts: () => rows.counts(),
  }
}
