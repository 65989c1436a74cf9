/** Events on standard error: one JSON line each, or a readable one where a person looks on. */
import type { Live } from '../../base/live.ts'
import type { Log, LogFacts, LogLevel } from '../../base/log.ts'

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** A reason may come from a peer: it shall not fill the disk. */
const valueLengthMax = 4000

export interface LogTarget {
  write(line: string): unknown
}

function plain(value: unknown): unknown {
  if (value instanceof Error) return plain(value.message)
  if (typeof value === 'string') return value.length > valueLengthMax ? `${value.slice(0, valueLengthMax)}…` : value
  if (typeof value === 'bigint') return Number(value)
  return value
}

/** Put together by hand: there is a line for each message, and an object made only to be spelled costs as much as the message's count. */
export function jsonLine(atMs: number, level: LogLevel, event: string, facts: LogFacts): string {
  let line = `{"at":"${isoTime(atMs)}","level":"${level}","event":${quoted(event)}`
  for (const name of Object.keys(facts)) {
    const text = jsonText(plain(facts[name]))
    if (text !== undefined) line += `,${quoted(ownNames.has(name) ? `${name}_` : name)}:${text}`
  }
  return `${line}}\n`
}

const ownNames = new Set(['at', 'level', 'event'])

function jsonText(value: unknown): string | undefined {
  if (typeof value === 'string') return quoted(value)
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : JSON.stringify(value)
}

/** Most texts need no escapes. */
function quoted(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : JSON.stringify(text)
}

let second = -1
let secondText = ''

/** As toISOString has it; the part that is the same for a second is made once. */
function isoTime(atMs: number): string {
  const now = Math.floor(atMs / 1000)
  if (now !== second) {
    second = now
    secondText = new Date(now * 1000).toISOString().slice(0, -4)
  }
  return `${secondText}${String(Math.floor(atMs) - now * 1000).padStart(3, '0')}Z`
}

/** `12:03:04 warn  the event  name=value`: controls are shown escaped, so that no peer can write to the terminal. */
export function readableLine(atMs: number, level: LogLevel, event: string, facts: LogFacts): string {
  const time = new Date(atMs).toTimeString().slice(0, 8)
  const words = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${readable(plain(value))}`)
  return `${[`${time} ${level.padEnd(5)} ${event}`, ...words].join('  ')}\n`
}

function readable(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return /^[\x21-\x7e\u00a1-\uffff]+$/.test(text) && !text.includes('"') ? text : JSON.stringify(text)
}

/** What may change while it is written to. */
export interface LogOptions {
  /** Text for people, else JSON. */
  readonly readable: boolean
  /** The least that is written. */
  readonly level?: LogLevel
}

/** A log that gathers: what one turn of the loop tells leaves in one write. */
export interface GatheringLog extends Log {
  /** Now: the process is about to end. */
  flush(): void
}

/** Of what waits to be written; a turn that tells more is written in parts. */
const gatheredMax = 64 * 1024

export function logTo(target: LogTarget, options: Live<LogOptions>): GatheringLog {
  let gathered = ''
  let waiting = false
  const flush = (): void => {
    waiting = false
    const lines = gathered
    gathered = ''
    if (lines !== '') target.write(lines)
  }
  const write = (level: LogLevel, event: string, facts: LogFacts = {}): void => {
    if (ranks[level] < ranks[options.now.level ?? 'info']) return
    const format = options.now.readable ? readableLine : jsonLine
    gathered += format(Date.now(), level, event, facts)
    // Trouble is told at once, behind what was told before it: the process may not live another turn.
    if (ranks[level] >= ranks.warn || gathered.length > gatheredMax) return flush()
    if (waiting) return
    waiting = true
    setImmediate(flush)
  }
  return {
    debug: (event, facts) => write('debug', event, facts),
    info: (event, facts) => write('info', event, facts),
    warn: (event, facts) => write('warn', event, facts),
    error: (event, facts) => write('error', event, facts),
    flush,
    get verbose() {
      return ranks[options.now.level ?? 'info'] <= ranks.debug
    },
  }
}
