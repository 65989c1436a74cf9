/** What the two engines have in common, on disk and in memory: `engine.ts` makes a store of either. */
import type { AccountId } from '../../mail/ids.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { SearchKey, UidRanges } from '../../mail/search-key.ts'
import type { ContentFiles } from '../contents/reader.ts'
import type { SinkRoom } from '../contents/sink.ts'
import type { Place, SearchOptions } from '../store.ts'
import type { Batcher, WriterHost } from './batcher.ts'
import type { Database } from './driver.ts'

export interface StoreOptions {
  /** The data folder, or `:memory:` for a store that lives as long as the process. */
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  /** Free bytes on the disk below which nothing new is taken. */
  readonly spareBytes?: number
  /** Size of new segments; tests take small ones. */
  readonly segmentBytes?: number
  /** For `:memory:`: throws where the disk is to fail, before a record is written or before rows are committed. */
  readonly memoryFails?: (step: 'record' | 'rows') => void
  /** The writer failed in a way after which nothing may be promised: the process must stop. */
  readonly broken?: (error: Error) => void
}

export interface Engine {
  readonly host: WriterHost
  readonly reads: Database
  readonly files: ContentFiles
  readonly room: SinkRoom
  readonly replayed: number
  state(): { readonly behind: boolean; readonly full: boolean }
  /** The copy of a record that was set aside; undefined where it is gone. */
  quarantined(place: Place): Uint8Array | undefined
  forgetQuarantined(place: Place): Promise<void>
  search(
    account: AccountId,
    mailbox: number,
    key: SearchKey,
    within: UidRanges,
    options?: SearchOptions,
  ): Promise<Uint32Array>
  /** A consistent copy of the rows into a new file. */
  copyRows(path: string): Promise<void>
  /** The batcher that feeds this engine: told when the writer breaks. */
  attach(batcher: Batcher): void
  close(): Promise<void>
}
