/** A store on a folder whose writer runs in place, on the caller's thread: so that a test can let its disk and its database fail. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { silentLog } from '../../src/base/log.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { DiskContents } from '../../src/store/contents/reader.ts'
import type { CommitOutcome } from '../../src/store/sqlite/outcomes.ts'
import { openDatabase } from '../../src/store/sqlite/driver.ts'
import { storeOn, type SqliteStore } from '../../src/store/sqlite/engine.ts'
import { LargeNames } from '../../src/store/sqlite/large-names.ts'
import { openWriter } from '../../src/store/sqlite/open-writer.ts'
import { searchMailbox } from '../../src/store/sqlite/search.ts'
import { FailurePlan } from './failing.ts'

export interface InPlace {
  readonly store: SqliteStore
  /** Outcomes that were told as durable. */
  readonly durable: CommitOutcome[]
  readonly replayed: number
  readonly damage: readonly { readonly event: string }[]
  behind(): boolean
  /** @returns how to stop. */
  onDurable(listener: () => void): () => void
  /** Ends without closing anything in order, as a crash does. */
  crash(): void
}

export async function openInPlace(
  folder: string,
  plan = new FailurePlan(),
  segmentBytes = 256 * 1024,
): Promise<InPlace> {
  mkdirSync(folder, { recursive: true })
  const names = new LargeNames(
    Math.trunc(Math.random() * 0xffff_ffff)
      .toString(16)
      .padStart(8, '0'),
  )
  const around = { db: plan.database.bind(plan), log: plan.log.bind(plan) }
  const open = openWriter(folder, { segmentBytes, spareBytes: 0, tag: names.tag, around })
  const { writer } = open
  const durable: CommitOutcome[] = []
  const reads = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
  const files = new DiskContents(folder)
  let broken: Error | undefined
  const listeners = new Set<() => void>()
  const store = await storeOn(
    {
      host: {
        group(buffer, commits, durably, done) {
          if (broken)
            return done(
              commits.map(() => ({ ok: false, code: 'failed', text: 'broken' })),
              [],
              buffer,
              0,
            )
          try {
            const { outcomes, changes } = writer.group(buffer && Buffer.from(buffer), commits, (known) => {
              durable.push(...known)
              for (const listener of listeners) listener()
              durably(known)
            })
            names.sequence = writer.sequence
            done(outcomes, changes, buffer, 0)
          } catch (error) {
            broken = error as Error
            done(
              commits.map(() => ({ ok: false, code: 'failed', text: String(error) })),
              [],
              buffer,
              0,
            )
          }
        },
      },
      reads,
      files,
      room: { folder: join(folder, 'large'), newName: () => names.next(), inlineBytes: 0 },
      replayed: open.replayed,
      state: () => ({ behind: writer.behind, full: false }),
      quarantined: () => undefined,
      forgetQuarantined: async () => {},
      search: async (_account, mailbox, key, within) => searchMailbox(reads, files, mailbox, key, within),
      copyRows: () => Promise.reject(new Error('not here')),
      attach() {},
      async close() {},
    },
    { folder, clock: realClock, log: silentLog },
  )
  const end = (): void => {
    reads.close()
    files.close()
    open.db.close()
    open.log.close()
  }
  const onDurable = (listener: () => void): (() => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    store,
    durable,
    replayed: open.replayed,
    damage: open.damage,
    behind: () => writer.behind,
    onDurable,
    crash: end,
  }
}
