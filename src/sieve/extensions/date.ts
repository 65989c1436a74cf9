/** The extensions `date` and `index`. RFC 5260. */
import { formatDate, formatZone, parseDate } from '../../mail/date.ts'
import { test, type Compiling, type Extension, type GivenTags } from '../declare.ts'
import { shown } from '../match.ts'
import { pickValues } from '../pick.ts'
import { ask, type Asking } from '../question.ts'
import type { Run } from '../run.ts'
import { RunFault } from '../run-fault.ts'
import type { Text } from '../text.ts'
import { valuesOf } from '../value.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
/** Days from 1858-11-17, where the Modified Julian Day begins, to 1970-01-01. */
const julianEpoch = 40_587

/** One part of a date in a zone; undefined if there is no such part. RFC 5260 §4.2. */
export function datePart(name: string, epochMs: number, offsetMinutes: number): string | undefined {
  // Shifted: its UTC parts are those of the zone.
  const local = new Date(epochMs + offsetMinutes * minuteMs)
  if (Number.isNaN(local.getTime())) return undefined
  const digits = (value: number, length = 2): string => String(value).padStart(length, '0')
  const date = (): string =>
    `${digits(local.getUTCFullYear(), 4)}-${digits(local.getUTCMonth() + 1)}-${digits(local.getUTCDate())}`
  const time = (): string =>
    `${digits(local.getUTCHours())}:${digits(local.getUTCMinutes())}:${digits(local.getUTCSeconds())}`
  const zone = formatZone(offsetMinutes)
  switch (name.toLowerCase()) {
    case 'year':
      return digits(local.getUTCFullYear(), 4)
    case 'month':
      return digits(local.getUTCMonth() + 1)
    case 'day':
      return digits(local.getUTCDate())
    case 'date':
      return date()
    case 'julian':
      return String(Math.floor(local.getTime() / dayMs) + julianEpoch)
    case 'hour':
      return digits(local.getUTCHours())
    case 'minute':
      return digits(local.getUTCMinutes())
    case 'second':
      return digits(local.getUTCSeconds())
    case 'time':
      return time()
    case 'iso8601':
      return `${date()}T${time()}${offsetMinutes === 0 ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3)}`}`
    case 'std11':
      return formatDate(epochMs, offsetMinutes)
    case 'zone':
      return zone
    case 'weekday':
      return String(local.getUTCDay())
    default:
      return undefined
  }
}

/** `+0200` in minutes; undefined if it is no zone. RFC 5260 §4.1. */
function zoneMinutes(text: string): number | undefined {
  const found = /^([+-])(\d\d)([0-5]\d)$/.exec(text)
  if (found === null || Number(found[2]) > 23) return undefined
  const minutes = Number(found[2]) * 60 + Number(found[3])
  return minutes === 0 ? 0 : found[1] === '-' ? -minutes : minutes
}

/** The zone that a test names; undefined if it names none. */
function zoneOf(run: Run, zone: Text | undefined): number | undefined {
  if (zone === undefined) return undefined
  const text = run.text(zone)
  const minutes = zoneMinutes(text)
  if (minutes === undefined) throw new RunFault(`${shown(text)} is no zone: zones are as +0100`)
  return minutes
}

type Fault = Compiling<Record<string, 'text'>>['fault']

function checkZone(tags: GivenTags, fault: Fault): void {
  const zone = tags.text('zone')
  if (typeof zone === 'string' && zoneMinutes(zone) === undefined)
    fault(`${shown(zone)} is no zone: zones are as +0100`)
}

function checkPart(part: Text, fault: (problem: string, hint?: string, argument?: 'part') => void): void {
  if (typeof part === 'string' && datePart(part, 0, 0) === undefined)
    fault(`a date has no part ${shown(part)}`, undefined, 'part')
}

/** In Received the date stands behind the last semicolon; other fields hold a date alone. RFC 5260 §4. */
export function dateIn(value: string): { readonly epochMs: number; readonly offsetMinutes: number } | undefined {
  const semicolon = value.lastIndexOf(';')
  return parseDate(semicolon < 0 ? value : value.slice(semicolon + 1).trim())
}

const zoneTag = { name: 'zone', group: 'zone', argument: 'text' } as const

const dateTest = test({
  name: 'date',
  parameters: { name: 'text', part: 'text', keys: 'texts' },
  traits: ['matches'],
  tags: [zoneTag, { name: 'originalzone', group: 'zone' }],
  compile({ values: { name, part, keys }, tags, match, fault }) {
    const problem = match.faultOf(keys)
    if (problem !== undefined) fault(problem, undefined, 'keys')
    checkZone(tags, fault as Fault)
    checkPart(part, fault)
    const pick = pickValues(tags, fault)
    return function* (run): Asking<boolean> {
      const field = run.text(name)
      const found: string[] = []
      let zone = zoneOf(run, tags.text('zone'))
      for (const value of pick(run, [field])) {
        const when = dateIn(value.text)
        if (when === undefined) continue
        if (zone === undefined && !tags.has('originalzone')) zone = (yield* ask({ kind: 'now' })).offsetMinutes
        const text = datePart(run.text(part), when.epochMs, zone ?? when.offsetMinutes)
        if (text === undefined) throw new RunFault(`a date has no part ${shown(run.text(part))}`)
        found.push(text)
        // The first that there is. With `:index` it is that one, or none.
        break
      }
      return match.any(run, run.isExplained ? `the ${run.text(part)} of ${shown(field)}` : '', valuesOf(found), keys)
    }
  },
})

const currentDate = test({
  name: 'currentdate',
  parameters: { part: 'text', keys: 'texts' },
  traits: ['matches'],
  tags: [zoneTag],
  compile({ values: { part, keys }, tags, match, fault }) {
    const problem = match.faultOf(keys)
    if (problem !== undefined) fault(problem, undefined, 'keys')
    checkZone(tags, fault as Fault)
    checkPart(part, fault)
    return function* (run): Asking<boolean> {
      // One time in all of a run. RFC 5260 §5.
      const now = run.note(currentDate, () => ({
        value: undefined as { epochMs: number; offsetMinutes: number } | undefined,
      }))
      now.value ??= yield* ask({ kind: 'now' })
      const text = datePart(
        run.text(part),
        now.value.epochMs,
        zoneOf(run, tags.text('zone')) ?? now.value.offsetMinutes,
      )
      if (text === undefined) throw new RunFault(`a date has no part ${shown(run.text(part))}`)
      return match.any(run, run.isExplained ? `the present ${run.text(part)}` : '', valuesOf([text]), keys)
    }
  },
})

export const date: Extension = { capabilities: ['date'], tests: [dateTest, currentDate] }

/** `:index` and `:last` of the tests of header fields. RFC 5260 §6. */
export const index: Extension = {
  capabilities: ['index'],
  tags: [
    { name: 'index', argument: 'number', on: ['header', 'address', 'date'] },
    { name: 'last', on: ['header', 'address', 'date'] },
  ],
}
