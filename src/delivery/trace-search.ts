/** Searches the trace: by id, address, Message-ID or time, newest first. One day is read at a time, to bound memory. */
import type { Files } from '../base/files.ts'
import { dayName, type TraceLine } from './trace.ts'

export interface TraceQuestion {
  /** Found as a whole word in a line: `a@b.example` is not found in `aa@b.example`. Absent: all lines of the time. */
  readonly text?: string
  readonly sinceMs?: number
  readonly untilMs?: number
  /** Ids returned at most. */
  readonly limit: number
}

export interface TraceAnswer {
  /** Newest first. */
  readonly ids: readonly string[]
  /** There are more than `limit`. */
  readonly more: boolean
}

/** Ids begin with the time in base 32: see store/arrival-id.ts. */
const timeLength = 9
/** The end of the year 9999: later times have another format. */
const timeMax = 253_402_300_799_999
/** Lines shown of one message. */
const linesMax = 1000

export async function findTraces(files: Files, folder: string, question: TraceQuestion): Promise<TraceAnswer> {
  const { text, sinceMs = 0, untilMs = timeMax, limit } = question
  const since = new Date(sinceMs).toISOString()
  const until = new Date(Math.min(untilMs, timeMax)).toISOString()
  const needles = text === undefined ? undefined : needlesOf(text)
  const ids = new Set<string>()
  for (const name of await days(files, folder)) {
    if (name < dayName(sinceMs) || name > `${until.slice(0, 10)}.jsonl`) continue
    const day = await readDay(files, folder, name)
    for (const line of linesFromEnd(day, needles)) {
      // The clock may have been set back within a day: every line is checked.
      if (line.at < since || line.at > until) continue
      if (ids.size === limit && !ids.has(line.id)) return { ids: [...ids], more: true }
      ids.add(line.id)
    }
  }
  return { ids: [...ids], more: false }
}

/** All lines of these messages, oldest first. */
export async function tracesOf(
  files: Files,
  folder: string,
  ids: readonly string[],
): Promise<Map<string, TraceLine[]>> {
  const found = new Map<string, TraceLine[]>(ids.map((id) => [id, []]))
  const first = Math.min(...ids.map(timeOf))
  for (const name of [...(await days(files, folder))].reverse()) {
    if (Number.isFinite(first) && name < dayName(first)) continue
    const day = await readDay(files, folder, name)
    for (const id of ids) {
      const lines = found.get(id)!
      const needle = Buffer.from(`"id":${JSON.stringify(id)}`)
      for (let at = day.indexOf(needle); at >= 0 && lines.length < linesMax; at = day.indexOf(needle, at + 1)) {
        const line = parseLine(day, day.lastIndexOf(10, at) + 1)
        if (line?.id === id) lines.push(line)
      }
    }
  }
  // A line with the time of its arrival may have been written after one of the first attempt.
  for (const lines of found.values()) lines.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  return found
}

const reportNeedle = Buffer.from('"event":"report"')

/** DSNs of other hosts about these messages. @param messageIds of messages that arrived at `sinceMs` or later. */
export async function reportsAbout(
  files: Files,
  folder: string,
  messageIds: ReadonlySet<string>,
  sinceMs: number,
): Promise<TraceLine[]> {
  const found: TraceLine[] = []
  for (const name of await days(files, folder)) {
    if (name < dayName(sinceMs)) break
    for (const line of linesFromEnd(await readDay(files, folder, name), [reportNeedle])) {
      if (line.event !== 'report' || !messageIds.has(String(line['messageId']))) continue
      found.unshift(line)
      if (found.length === linesMax) return found
    }
  }
  return found
}

/** The arrival time in an id; 0 if it has none. */
export function timeOf(id: string): number {
  const time = Number.parseInt(id.slice(0, timeLength), 32)
  return Number.isFinite(time) && time < timeMax ? time : 0
}

/** Newest first. */
async function days(files: Files, folder: string): Promise<readonly string[]> {
  return (await files.list(folder)).filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name)).reverse()
}

async function readDay(files: Files, folder: string, name: string): Promise<Buffer> {
  const bytes = await files.read(`${folder}/${name}`)
  return bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : Buffer.alloc(0)
}

/** As given, and in lower case, as domains are stored; without the angle brackets, which are not stored. */
export function needlesOf(text: string): Buffer[] {
  const bare = /^<(.+)>$/.exec(text)?.[1] ?? text
  const spellings = new Set([bare, bare.toLowerCase()])
  return [...spellings].map((spelling) => Buffer.from(JSON.stringify(spelling).slice(1, -1)))
}

function* linesFromEnd(day: Buffer, needles: readonly Buffer[] | undefined): Generator<TraceLine> {
  if (!needles) {
    for (let end = day.length - 1; end > 0;) {
      const start = day.lastIndexOf(10, end - 1) + 1
      const line = parseLine(day, start)
      if (line) yield line
      end = start - 1
    }
    return
  }
  for (const needle of needles) {
    for (let at = day.lastIndexOf(needle); at >= 0; at = at === 0 ? -1 : day.lastIndexOf(needle, at - 1)) {
      if (!standsAlone(day, at, needle.length)) continue
      const line = parseLine(day, day.lastIndexOf(10, at) + 1)
      if (line) yield line
    }
  }
}

const isLetter = (byte: number | undefined): boolean =>
  byte !== undefined &&
  ((byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte > 127)
/** Characters that may continue an address or id. */
const isInner = (byte: number | undefined): boolean => isLetter(byte) || byte === 0x2d || byte === 0x5f || byte === 0x2b

export function standsAlone(day: Buffer, at: number, length: number): boolean {
  const dot = 0x2e
  const before = day[at - 1]
  const after = day[at + length]
  // "@example.org" finds all addresses of the domain.
  if (day[at] !== 0x40 && (isInner(before) || (before === dot && isInner(day[at - 2])))) return false
  return !(isInner(after) || (after === dot && isInner(day[at + length + 1])))
}

/** Lines cut off by a full disk are skipped. */
export function parseLine(day: Buffer, start: number): TraceLine | undefined {
  const end = day.indexOf(10, start)
  if (end < 0) return undefined
  try {
    return JSON.parse(day.toString('utf8', start, end)) as TraceLine
  } catch {
    return undefined
  }
}
