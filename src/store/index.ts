/** `pennypost/store`: the durable store as a library. */
export { openStore } from './sqlite/engine.ts'
export type { SqliteStore, StoreOptions } from './sqlite/engine.ts'
export type {
  Account,
  Alias,
  LedgerRow,
  MailboxRole,
  MailboxRow,
  QueueParameters,
  QueueRow,
  StoreCounts,
} from './entities.ts'
export type { Change, FlagRange } from './changes.ts'
export type {
  ContentFacts,
  Filing,
  Lease,
  Operation,
  QueueRecipient,
  QueueRequest,
  Ranges,
  ResultOf,
} from './operations.ts'
export { StoreFault, StoreRefusal } from './store.ts'
export type {
  MessageRow,
  RowNeed,
  Store,
  StoredContent,
  StoreReads,
  StoreRefusalCode,
  SweepReport,
  ZonedInstant,
} from './store.ts'
export { own, OwnedElsewhere } from './owner.ts'
export type { LiveTable, TableView } from './table.ts'
export { contentFacts } from './facts.ts'
