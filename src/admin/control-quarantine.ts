/** Commands about what the store has set aside: records that it could not apply or read, and files that its rows do not know. */
import type { LostFile, Place, QuarantinedRecord, Store } from '../store/store.ts'
import { command } from './control-command.ts'
import { absolute } from './control-store.ts'
import { CommandRefusal } from './provision.ts'

/** Records in one answer; where there are more, dealing with these shows the next. */
const listedMax = 1000

export interface QuarantineListRow extends QuarantinedRecord {
  /** What the other commands take: segment and position. */
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

  /** The messages as files, or the record's bytes where it cannot be read. Answers their paths. */
  quarantineExport: command({ id: 'text', folder: 'text' }, ({ store }, { id, folder }) =>
    store.quarantine.export(placeOf(store, id), absolute(folder)),
  ),

  lostList: command({}, ({ store }): { rows: readonly LostFile[] } => ({ rows: store.lost() })),

  /** Removes what was moved aside, for good. Answers how many files. */
  lostDrop: command({}, ({ store }) => ({ files: store.dropLost() })),
}
