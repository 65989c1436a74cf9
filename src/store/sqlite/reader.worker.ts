/** The reading thread's first file. */
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { DiskContents } from '../contents/reader.ts'
import { openDatabase } from './driver.ts'
import type { FromReader, ToReader } from './readers.ts'
import { searchMailbox } from './search.ts'

const port = parentPort!
const { folder } = workerData as { folder: string }
// Not read-only: a checkpoint writes the pages that the WAL holds. It never writes rows.
const db = openDatabase(join(folder, 'pennypost.db'))
db.exec('PRAGMA synchronous = NORMAL')
db.exec('PRAGMA cache_size = -8192')
const files = new DiskContents(folder)

port.on('message', (message: ToReader) => {
  const { id } = message
  let answer: FromReader
  try {
    if (message.kind === 'checkpoint') {
      db.exec('PRAGMA wal_checkpoint(PASSIVE)')
      answer = { id }
    } else if (message.kind === 'copyRows') {
      db.prepare('VACUUM INTO ?').run(message.path)
      answer = { id }
    } else answer = { id, uids: searchMailbox(db, files, message.mailbox, message.key, message.within) }
  } catch (error) {
    answer = { id, error: String((error as Error).stack ?? error) }
  }
  port.postMessage(answer)
})
