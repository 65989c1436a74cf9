/** Everything in memory, on this thread: for the simulator and for tests. A crash returns to nothing; a commit is its own group. */
import { SegmentMemory } from '../contents/log.ts'
import { QuarantineMemory } from '../contents/quarantine.ts'
import type { ContentFiles, ContentSource } from '../contents/reader.ts'
import { openDatabase, type Database } from './driver.ts'
import type { Engine, StoreOptions } from './engine-interface.ts'
import { migrate } from './schema.ts'
import { searchMailbox } from './search.ts'
import { Writer } from './writer.ts'

export function memoryEngine({ clock, memoryFails }: StoreOptions): Engine {
  const db = openDatabase(':memory:')
  migrate(db)
  const log = new SegmentMemory()
  const quarantine = new QuarantineMemory()
  // What may fail of a disk: the write of a record, and the COMMIT of rows.
  const append = log.append.bind(log)
  log.append = (place, bytes) => {
    memoryFails?.('record')
    append(place, bytes)
  }
  const written: Database = {
    exec(sql) {
      if (sql === 'COMMIT') memoryFails?.('rows')
      db.exec(sql)
    },
    prepare: (sql) => db.prepare(sql),
    close: () => db.close(),
  }
  const writer = new Writer(written, log, { freeBytes: () => Infinity, spareBytes: 0, memory: true, quarantine })
  writer.recover()
  const readSync = (source: ContentSource, start: number, end: number): Uint8Array =>
    log.read(source.segment, source.position + start, end - start)
  const files: ContentFiles = {
    readSync,
    read: async (source, start, end) => readSync(source, start, end),
    fileBytes: ({ sizeBytes }) => sizeBytes,
    forget: (segment) => log.remove(segment),
    close() {},
  }
  return {
    host: {
      group(buffer, commits, durable, done) {
        const steps = writer.steps(buffer && Buffer.from(buffer), commits, durable)
        // Between a record and its rows others have their turn, as they have it beside the thread of a disk.
        const go = (): void => {
          const step = steps.next()
          if (!step.done) return void clock.soon(go)
          const { outcomes, changes } = step.value
          done(outcomes, changes, buffer, writer.late)
        }
        go()
      },
    },
    reads: db,
    files,
    room: { folder: undefined, newName: () => '', inlineBytes: 0 },
    replayed: 0,
    state: () => ({ behind: writer.behind, full: false }),
    quarantined: (place) => quarantine.read(place),
    forgetQuarantined: async (place) => quarantine.remove(place),
    search: async (_account, mailbox, key, within) => searchMailbox(db, files, mailbox, key, within),
    copyRows: () => Promise.reject(new Error('a store in memory has nothing to back up')),
    attach() {},
    async close() {
      db.close()
    },
  }
}
