/** Dates of header fields. RFC 5322 §3.3, §4.3. */

export interface MessageDate {
  readonly epochMs: number
  /** Positive east of Greenwich. 0 also for `-0000` and unknown zones. */
  readonly offsetMinutes: number
  /** The day that is written, in its own zone: days since 1970-01-01. */
  readonly day: number
}

export const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const dayMs = 86_400_000
/** A date has under 50 characters; a field that goes on has comments, and beyond this it is not read. */
const dateTextMax = 500

/** RFC 5322 §4.3. The one-letter zones were defined wrongly in RFC 822 and count as unknown, as -0000, but Z. */
const zones: Readonly<Record<string, number>> = {
  UT: 0,
  UTC: 0,
  GMT: 0,
  Z: 0,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  // Not in the RFC, but in mail.
  BST: 60,
  CET: 60,
  CEST: 120,
  EET: 120,
  EEST: 180,
  JST: 540,
}

// Day first, as the RFC has it; month first (`Nov 21, 1997`) and dashes are what old software writes.
const dayFirst = /^(?:[a-z]+[.,]?\s*,?\s*)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s,-]+(\d{2,})\b,?(.*)$/i
const monthFirst = /^(?:[a-z]+[.,]?\s*,?\s*)?([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:,?\s+(\d{4})\b)?,?(.*)$/i
/** ISO 8601, which programs write that know no mail; also with a space for the T. */
const yearFirst = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[t\s]\s*(.*))?$/i
const timeAndZone = /^\s*(\d{1,2})\s*[:.]\s*(\d{1,2})(?:\s*[:.]\s*(\d{1,2})(?:[.,]\d+)?)?\s*([ap]m\b)?\s*(.*)$/i

/** What nine of ten messages write; read without the patterns' leniency it costs a tenth. */
const usual =
  /^(?:[A-Z][a-z]{2}, ?)?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})(?: \([A-Z]+\))?$/

/** Reads the value of a Date field, leniently. undefined if it has no recognisable day. */
export function parseDate(value: string): MessageDate | undefined {
  const simple = usual.exec(value)
  if (simple !== null) {
    const month = monthNames.indexOf(simple[2] as (typeof monthNames)[number])
    const found = month < 0 ? undefined : dateOf(Number(simple[3]), month, Number(simple[1]))
    if (found === undefined) return undefined
    return atTime(found, Number(simple[4]), Number(simple[5]), Number(simple[6]), simple[7]!)
  }
  let text = value.length > dateTextMax ? value.slice(0, dateTextMax) : value
  if (text.includes('(')) text = dropComments(text)
  text = text.replace(/[\r\n\t]+/g, ' ').trim()
  const first = dayFirst.exec(text)
  const found = first ?? monthFirst.exec(text)
  if (found === null) return parseYearFirst(text)
  const month = monthNames.findIndex((name) => name.toLowerCase() === found[first ? 2 : 1]!.toLowerCase())
  const dayOfMonth = Number(found[first ? 1 : 2])
  let rest = found[4]!
  let yearText = found[3]
  if (yearText === undefined) {
    // asctime: `Nov 21 09:55:06 1997`.
    const last = /^(.*?)\s+(\d{4})(?:\s+([a-z]+|[+-]\d{4}))?$/i.exec(rest)
    if (last === null) return undefined
    yearText = last[2]!
    rest = `${last[1]} ${last[3] ?? ''}`
  }
  const day = month < 0 ? undefined : dateOf(fullYear(yearText), month, dayOfMonth)
  if (day === undefined) return undefined
  return parseTime(day, rest)
}

function parseYearFirst(text: string): MessageDate | undefined {
  const found = yearFirst.exec(text)
  const isMonth = found !== null && Number(found[2]) >= 1 && Number(found[2]) <= 12
  const day = isMonth ? dateOf(Number(found[1]), Number(found[2]) - 1, Number(found[3])) : undefined
  return day === undefined ? undefined : parseTime(day, found![4] ?? '')
}

function parseTime(day: number, text: string): MessageDate {
  const time = timeAndZone.exec(text)
  if (time === null) return { epochMs: day * dayMs, offsetMinutes: 0, day }
  let hour = Number(time[1])
  if (time[4] !== undefined) hour = (hour % 12) + (time[4].toLowerCase() === 'pm' ? 12 : 0)
  return atTime(day, hour, Number(time[2]), Number(time[3] ?? 0), time[5]!)
}

/** Days since 1970; undefined for a day that its month has not. */
function dateOf(year: number, month: number, dayOfMonth: number): number | undefined {
  const midnight = Date.UTC(year, month, dayOfMonth)
  if (year < 100 || year > 9999 || new Date(midnight).getUTCDate() !== dayOfMonth) return undefined
  return midnight / dayMs
}

/** A time out of range leaves the day, which is what searches ask for. 60 is a leap second. */
function atTime(day: number, hour: number, minute: number, second: number, zone: string): MessageDate {
  if (hour > 23 || minute > 59 || second > 60) return { epochMs: day * dayMs, offsetMinutes: 0, day }
  const offsetMinutes = parseZone(zone)
  return { epochMs: day * dayMs + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000, offsetMinutes, day }
}

/** `Fri, 21 Nov 1997 09:55:06 -0600`. */
export function formatDate(epochMs: number, offsetMinutes = 0): string {
  const local = new Date(epochMs + offsetMinutes * 60_000)
  const date = `${local.getUTCDate()} ${monthNames[local.getUTCMonth()]} ${formatYear(local)}`
  return `${dayNames[local.getUTCDay()]}, ${date} ${formatClock(local)} ${formatZone(offsetMinutes)}`
}

export function formatYear(local: Date): string {
  return String(local.getUTCFullYear()).padStart(4, '0')
}

/** `09:55:06` of a date that was shifted to its zone. */
export function formatClock(local: Date): string {
  return `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** `-0600`. */
export function formatZone(offsetMinutes: number): string {
  const minutes = Math.abs(offsetMinutes)
  const digits = String(Math.trunc(minutes / 60) * 100 + (minutes % 60)).padStart(4, '0')
  return `${offsetMinutes < 0 ? '-' : '+'}${digits}`
}

/** RFC 5322 §4.3: 00–49 are 2000–2049, other years of two and three digits count from 1900. */
function fullYear(digits: string): number {
  const year = Number(digits)
  if (digits.length >= 4) return year
  return digits.length === 2 && year < 50 ? 2000 + year : 1900 + year
}

function parseZone(text: string): number {
  // `UTC+1` has hours alone; without the name a number of one or two digits is none.
  const numeric =
    /^(?:gmt|utc?)?\s*([+-])\s*(\d{1,2}):?(\d{2})\b/i.exec(text) ?? /^(?:gmt|utc?)\s*([+-])\s*(\d{1,2})\b/i.exec(text)
  if (numeric !== null) {
    const minutes = Number(numeric[2]) * 60 + Number(numeric[3] ?? 0)
    // The grammar lets 9959 through, but no clock on earth is a day apart.
    if (minutes >= 24 * 60 || Number(numeric[3] ?? 0) > 59) return 0
    return minutes === 0 ? 0 : numeric[1] === '-' ? -minutes : minutes
  }
  const name = /^[a-z]+/i.exec(text)?.[0].toUpperCase()
  return (name !== undefined && Object.hasOwn(zones, name) ? zones[name] : 0) ?? 0
}

/** Text with each comment replaced by a space. RFC 5322 §3.2.2. */
export function dropComments(text: string): string {
  let out = ''
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (char === '\\' && depth > 0) at += 1
    else if (char === '(') depth += 1
    else if (char === ')' && depth > 0) {
      depth -= 1
      out += ' '
    } else if (depth === 0) out += char
  }
  return out
}
