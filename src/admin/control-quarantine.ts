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

function placeOf(store: Store, id: string): Place {
  const [, segment, position] = /^(\d{1,9}):(\d{1,12})$/.exec(id) ?? []
  const place = { segment: Number(segment), position: Number(position) }
  const known = segment !== undefined && store.quarantine.has(place)
  if (known) return place
  throw new CommandRefusal(
    'noSuchRecord',
    `There is no quarantined record "${id}": "pennypost quarantine list" lists them`,
  )
}

export const quarantineCommands = {
  quarantineList: command({}, ({ store }): { rows: readonly QuarantineListRow[]; count: number } => ({
    rows: store.quarantine.list(listedMax).map((row) => ({ id: `${row.place.segment}:${row.place.position}`, ...row })),
    count: store.quarantine.count(),
  })),

  quarantineRetry: command({ id: 'text' }, ({ store }, { id }) => store.quarantine.retry(placeOf(store, id))),

  quarantineDrop: command({ id: 'text' }, ({ store }, { id }) => store.quarantine.drop(placeOf(store, id))),

  /** Exports the messages as files, or the record's bytes if unreadable. Returns the paths. */
  quarantineExport: command({ id: 'text', folder: 'text' }, ({ store }, { id, folder }) =>
    store.quarantine.export(placeOf(store, id), absolute(folder)),
  ),

  lostList: command({}, ({ store }): { rows: readonly LostFile[] } => ({ rows: store.lost() })),

  /** Deletes the set-aside files permanently. Returns their number. */
  lostDrop: command({}, ({ store }) => ({ files: store.dropLost() })),
}
