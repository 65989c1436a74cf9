/** The `date` of SEARCH. RFC 3501 §9. Its `date-time` is `mail/internal-date.ts`. */
import { monthNames } from '../../../mail/date.ts'

const dayMs = 86_400_000

function epochDay(year: number, month: number, day: number): number | undefined {
  // setUTCFullYear: Date.UTC would take the years 0–99 for 1900–1999.
  const date = new Date(0)
  date.setUTCFullYear(year, month, day)
  return date.getUTCMonth() === month && date.getUTCDate() === day ? date.getTime() / dayMs : undefined
}

/** `1-Feb-1994` as days since 1970-01-01. Undefined when it is no date. */
export function parseSearchDate(text: string): number | undefined {
  const match = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text)
  if (!match) return undefined
  const month = monthNames.findIndex((name) => name.toLowerCase() === match[2]!.toLowerCase())
  return month < 0 ? undefined : epochDay(Number(match[3]), month, Number(match[1]))
}
