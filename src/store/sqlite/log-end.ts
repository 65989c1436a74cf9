/** The records that the rows have not followed yet, in order; and what is missing among them. docs/architecture.md §1. */
import type { Place, RecordLog } from '../contents/log.ts'
import { claimedSize, headerBytes, readRecord, recordMagic, type RecordView } from '../record.ts'

export interface LogPosition extends Place {
  /** Of the last record that was applied. */
  readonly sequence: number
  readonly epoch: number
}

export type Found =
  | { readonly kind: 'record'; readonly place: Place; readonly record: RecordView }
  /** Bytes that were a record: something behind them proves that they were synced. `sequence`: of the last record that is missing. */
  | { readonly kind: 'damaged'; readonly place: Place; readonly bytes: Buffer; readonly sequence: number }

/** How much of a segment is looked through at a time. */
const lookBytes = 1024 * 1024

/**
 * Follows the log behind `from`. With `damage`, a record that cannot be read does not end it where a later group was begun: a group is
 * written once the one before it is on disk, so that a torn tail has none behind it, and a hole has.
 */
export function* recordsAfter(log: RecordLog, from: LogPosition, damage: boolean): Generator<Found, LogPosition> {
  let { segment, position, sequence, epoch } = from
  for (;;) {
    const next = fitting(log, segment, position, sequence, epoch)
    if (next) {
      yield { kind: 'record', place: { segment, position }, record: next }
      position += next.sizeBytes
      ;({ sequence, epoch } = next)
      continue
    }
    // The writer may have gone on in the next segment; a record that fits nowhere else starts it.
    if (fitting(log, segment + 1, 0, sequence, epoch)) {
      segment++
      position = 0
      continue
    }
    const later = damage ? laterGroup(log, segment, position, sequence, epoch) : undefined
    if (!later) return { segment, position, sequence, epoch }
    const end = later.place.segment === segment ? later.place.position : Number.MAX_SAFE_INTEGER
    const bytes = usedPart(log.read(segment, position, Math.min(end - position, holeMaxBytes)))
    yield { kind: 'damaged', place: { segment, position }, bytes, sequence: later.record.sequence - 1 }
    ;({ segment, position } = later.place)
    ;({ epoch } = later.record)
    sequence = later.record.sequence - 1
  }
}

/** More than a segment holds. */
const holeMaxBytes = 256 * 1024 * 1024

function usedPart(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

/** The record at a place, whole; undefined where none is or where it cannot be read. */
export function recordAt(log: RecordLog, { segment, position }: Place): RecordView | undefined {
  const size = claimedSize(log.read(segment, position, headerBytes))
  if (size === 0) return undefined
  const record = readRecord(log.read(segment, position, size))
  return typeof record === 'string' ? undefined : record
}

function fitting(
  log: RecordLog,
  segment: number,
  position: number,
  sequence: number,
  epoch: number,
): RecordView | undefined {
  const record = recordAt(log, { segment, position })
  return record && record.sequence === sequence + 1 && record.epoch >= epoch ? record : undefined
}

/** The next record that begins a group, behind a place: in its segment, then in those that follow. */
function laterGroup(
  log: RecordLog,
  segment: number,
  position: number,
  sequence: number,
  epoch: number,
): { place: Place; record: RecordView } | undefined {
  const segments = log.segments().filter((one) => one > segment)
  for (const one of [segment, ...segments]) {
    for (const at of magics(log, one, one === segment ? position + 8 : 0)) {
      const place = { segment: one, position: at }
      const record = recordAt(log, place)
      if (record?.first && record.sequence > sequence + 1 && record.epoch >= epoch) return { place, record }
    }
  }
  return undefined
}

const magic = Buffer.alloc(4)
magic.writeUInt32LE(recordMagic)

/** Places in a segment where a record could begin: they are multiples of 8. */
function* magics(log: RecordLog, segment: number, from: number): Generator<number> {
  for (let base = from; ; base += lookBytes) {
    const bytes = log.read(segment, base, lookBytes + magic.length)
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
      if (at < lookBytes && (base + at) % 8 === 0) yield base + at
    }
    if (bytes.length < lookBytes + magic.length) return
  }
}
