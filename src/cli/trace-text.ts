/** The trace of a message as text: the dialogue, the decisions, each attempt, the outcome of each recipient. */
import type { LedgerRow } from '../store/entities.ts'
import type { TraceLine } from '../delivery/trace.ts'
import { sizeText, timeText, visible } from './context.ts'

export interface Traced {
  readonly id: string
  readonly trace: readonly TraceLine[]
  /** The outcome of each accepted recipient, or that it is still queued. */
  readonly ledger: readonly LedgerRow[]
}

/** `journey` is the name of `trace` up to version 0.4; it goes with the next version. */
export function traceJson({ id, trace, ledger }: Traced): object {
  return { id, trace, journey: trace, ledger }
}

export function traceText({ id, trace, ledger }: Traced): string {
  const lines = [`Message ${visible(id)}`]
  for (const line of trace) {
    lines.push(`  ${line.at.replace('T', ' ')}  ${title(line, id)}`)
    for (const text of body(line)) lines.push(`    ${visible(text)}`)
  }
  for (const { recipient, outcome, endedAtMs, detail } of ledger) {
    const end = endedAtMs === null ? 'still in the queue' : `${outcome} at ${timeText(endedAtMs)}`
    lines.push(`  ${visible(recipient)}: ${end}${detail ? ` (${visible(detail)})` : ''}`)
  }
  return `${lines.join('\n')}\n\n`
}

/** A line of `trace --follow`. */
export function followedText(line: TraceLine): string {
  const head = `${line.at.replace('T', ' ')}  ${visible(line.id)}  ${title(line, line.id)}`
  return `${[head, ...body(line).map((words) => `    ${visible(words)}`)].join('\n')}\n`
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(text) : value === undefined ? [] : [text(value)]

function title(line: TraceLine, id: string): string {
  switch (line.event) {
    case 'arrived':
      return 'arrived'
    case 'refused':
      return line['replies'] === undefined ? 'was aborted by the client' : 'was refused'
    case 'notice':
      return 'is a bounce (DSN) that we sent'
    case 'report':
      return line.id === id ? 'is a DSN from another host' : `a DSN from another host came, message ${visible(line.id)}`
    case 'attempt':
      return `attempt${line['n'] === undefined ? '' : ` ${text(line['n'])}`} for ${visible(text(line['recipient']))}: ${text(line['outcome'])}`
    case 'missing':
      return `the alias ${visible(text(line['alias']))} has a target that does not exist: ${visible(text(line['member']))}`
    case 'ended':
      return `ended for ${visible(text(line['recipient']))}: ${text(line['outcome'])}`
  }
}

function body(line: TraceLine): string[] {
  switch (line.event) {
    case 'arrived':
    case 'refused':
      return [...connection(line), ...dialogue(line), ...texts(line['plans']).map((plan) => `- ${plan}`), ...rest(line)]
    default:
      return rest(line)
  }
}

function connection(line: TraceLine): string[] {
  const { connection, service, peer, port, proxy, tls, user } = line as TraceLine & Record<string, string | undefined>
  if (peer === undefined) return []
  const by = `connection ${text(connection)} (${text(service)}) from ${peer}${port === undefined ? '' : ` port ${text(port)}`}`
  const through = proxy === undefined ? '' : ` through the proxy ${proxy}`
  return [by + through, `TLS: ${tls ?? 'none'}; signed in: ${user ?? 'no'}`]
}

/** The SMTP dialogue, rebuilt from facts: secrets and bodies are never stored. */
function dialogue(line: TraceLine): string[] {
  const refused = texts(line['refused'])
  const replies = texts(line['replies'])
  const parameters = line['parameters'] === undefined ? '' : ` ${text(line['parameters'])}`
  const said: string[] = []
  if (line['helo'] !== undefined) said.push(`> ${hello(text(line['with'] ?? ''))} ${text(line['helo'])}`)
  said.push(`> MAIL FROM:<${text(line['from'] ?? '')}>${parameters}`)
  const recipients = texts(line['recipients'])
  // When MAIL itself was refused, no recipients follow.
  if (recipients.length + refused.length > 0) said.push('< 250')
  for (const recipient of recipients) said.push(`> RCPT TO:<${recipient}>`, '< 250')
  for (const words of refused) {
    const at = words.lastIndexOf(': ', words.search(/: \d{3} /))
    said.push(`> RCPT TO:<${words.slice(0, at)}>`, `< ${words.slice(at + 2)}`)
  }
  if (recipients.length > 0 && replies.length > 0) {
    said.push(line['sizeBytes'] === undefined ? '> DATA' : `> DATA (${sizeText(Number(line['sizeBytes']))})`)
  }
  said.push(...replies.map((reply) => `< ${reply}`))
  return said
}

function hello(protocol: string): string {
  if (protocol.includes('LMTP')) return 'LHLO'
  return protocol === 'SMTP' ? 'HELO' : 'EHLO'
}

/** Facts that are printed elsewhere. */
const told = new Set([
  ...[
    'id',
    'at',
    'event',
    'connection',
    'service',
    'peer',
    'port',
    'proxy',
    'helo',
    'with',
    'tls',
    'user',
    'from',
    'parameters',
  ],
  ...['recipients', 'refused', 'plans', 'replies', 'sizeBytes', 'recipient', 'outcome', 'n'],
])

function rest(line: TraceLine): string[] {
  return Object.entries(line)
    .filter(([name]) => !told.has(name) || (line.event === 'attempt' && name === 'tls'))
    .flatMap(([name, value]) => texts(value).map((one) => `${name}: ${one}`))
}
