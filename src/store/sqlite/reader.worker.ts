/** The reading thread's first file. */
import { join } from 'node:path'
import { realClock } from '../../platform/real/clock.ts'
import { dataOfThread, eachTask } from '../../platform/real/threads.ts'
import { ReadAhead } from '../contents/read-ahead.ts'
import { DiskContents } from '../contents/reader.ts'
import { openDatabase } from './driver.ts'
import type { FromReader, ToReader } from './readers.ts'
import { SearchLimit, SearchTurns } from './search-turns.ts'
import { searchSteps } from './search.ts'

const { folder } = dataOfThread<{ folder: string }>()
// Not read-only: a checkpoint writes the pages that the WAL holds. It never writes rows.
const db = openDatabase(join(folder, 'pennypost.db'))
db.exec('PRAGMA synchronous = NORMAL')
db.exec('PRAGMA cache_size = -8192')
const files = new DiskContents(folder)

const answer = eachTask<ToReader, FromReader>(task)
const failed = (id: number, error: unknown): void =>
  answer({ id, error: String((error as Error).stack ?? error), limit: error instanceof SearchLimit })

const turns = new SearchTurns({
  now: () => realClock.monotonic(),
  soon: (run) => realClock.soon(run),
  done: (id, uids) => answer({ id, uids }),
  failed,
  still: (id) => answer({ id, still: true }),
})

function task(message: ToReader): void {
  const { id } = message
  try {
    switch (message.kind) {
      case 'checkpoint':
        db.exec('PRAGMA wal_checkpoint(PASSIVE)')
        return answer({ id })
      case 'copyRows':
        db.prepare('VACUUM INTO ?').run(message.path)
        return answer({ id })
      case 'cancel':
        return turns.cancel(id)
      case 'search': {
        const { account, mailbox, key, within } = message
        turns.add(
          id,
          account,
          searchSteps(db, () => new ReadAhead(files), mailbox, key, within),
        )
      }
    }
  } catch (error) {
    failed(id, error)
  }
}
