/**
 * Commands for what the store has set aside: records that it could not apply or read, and files that are not in its
 * rows.
 */
import type { LostFile, Place, QuarantinedRecord, Store } from '../store/store.ts'
import { command } from './control-command.ts'
import { absolute } from './control-store.ts'
import { CommandRefusal } from './provision.ts'

/** Records in one answer; once these are handled, the next are shown. */
const listedMax = 1000

export interface QuarantineListRow extends QuarantinedRecord {
  /** The argument of the other commands: segment and position. */
  readonly id: string
}

async function placeOf(store: Store, id: string): Promise<Place> {
  const [, segment, position] = /^(\d{1,9}):(\d{1,12})$/.exec(id) ?? []
  const place = { segment: Number(segment), position: Number(position) }
  const known = segment !== undefined && (await store.quarantine.has(place))
  if (known) return place
  throw new CommandRefusal(
    'noSuchRecord',
    `There is no quarantined record "${id}": "pennypost quarantine list" lists them`,
  )
}

export const quarantineCommands = {
  quarantineList: command({}, async ({ store }): Promise<{ rows: readonly QuarantineListRow[]; count: number }> => {
    const records = await store.quarantine.list(listedMax)
    const rows = records.map((row) => ({ id: `${row.place.segment}:${row.place.position}`, ...row }))
    return { rows, count: await store.quarantine.count() }
  }),

  quarantineRetry: command({ id: 'text' }, async ({ store }, { id }) =>
    store.quarantine.retry(await placeOf(store, id)),
  ),

  quarantineDrop: command({ id: 'text' }, async ({ store }, { id }) => store.quarantine.drop(await placeOf(store, id))),

  /** Exports the messages as files, or the record's bytes if unreadable. Returns the paths. */
  quarantineExport: command({ id: 'text', folder: 'text' }, async ({ store }, { id, folder }) =>
    store.quarantine.export(await placeOf(store, id), absolute(folder)),
  ),

  lostList: command({}, async ({ store }): Promise<{ rows: readonly LostFile[] }> => ({ rows: await store.lost() })),

  /** Deletes the set-aside files permanently. Returns their number. */
  lostDrop: command({}, async ({ store }) => ({ files: await store.dropLost() })),
}
