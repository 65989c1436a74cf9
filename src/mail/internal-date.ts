/** IMAP's date-time: `"17-Jul-1996 02:44:25 -0700"`. RFC 9051 §9 date-time, RFC 3501 §9. */
import { formatClock, formatYear, formatZone, monthNames } from './date.ts'

export interface InternalDate {
  readonly epochMs: number
  /** The zone that the date is shown in; positive east of Greenwich. */
  readonly offsetMinutes: number
}

const shape = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/

/** Reads a date-time without its quotes, strictly. */
export function parseInternalDate(text: string): InternalDate | undefined {
  const found = shape.exec(text)
  if (found === null) return undefined
  const month = monthNames.findIndex((name) => name.toLowerCase() === found[2]!.toLowerCase())
  const [day, year, hour, minute, second] = [found[1], found[3], found[4], found[5], found[6]].map(Number) as number[]
  const zoneMinute = Number(found[9])
  if (month < 0 || hour! > 23 || minute! > 59 || second! > 60 || zoneMinute > 59) return undefined
  const midnight = new Date(0)
  midnight.setUTCFullYear(year!, month, day)
  if (midnight.getUTCDate() !== day) return undefined
  const magnitude = Number(found[8]) * 60 + zoneMinute
  const offsetMinutes = magnitude === 0 ? 0 : found[7] === '-' ? -magnitude : magnitude
  const epochMs = midnight.getTime() + ((hour! * 60 + minute! - offsetMinutes) * 60 + second!) * 1000
  return { epochMs, offsetMinutes }
}

/** Without quotes; the day is two characters wide, as the grammar's date-day-fixed demands. */
export function formatInternalDate({ epochMs, offsetMinutes }: InternalDate): string {
  const local = new Date(epochMs + offsetMinutes * 60_000)
  const day = String(local.getUTCDate()).padStart(2, ' ')
  const date = `${day}-${monthNames[local.getUTCMonth()]}-${formatYear(local)}`
  return `${date} ${formatClock(local)} ${formatZone(offsetMinutes)}`
}

/** The day in its own zone as days since 1970-01-01, which SINCE, BEFORE and ON compare. RFC 9051 §6.4.4. */
export function internalDay({ epochMs, offsetMinutes }: InternalDate): number {
  return Math.floor((epochMs + offsetMinutes * 60_000) / 86_400_000)
}
