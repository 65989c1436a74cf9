/** `pennypost trace`: what is known of a message, from its arrival to its end. */
import { join } from 'node:path'
import type { LedgerRow } from '../store/entities.ts'
import type { JourneyLine } from '../transfer/journey.ts'
import {
  dataFolderOf,
  examples,
  jsonOption,
  placeOptions,
  timeText,
  visible,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'

/** Lines and messages that one question may bring up: more is a question to be asked more exactly. */
const linesMax = 1000
const messagesMax = 20

interface Traced {
  readonly id: string
  readonly journey: readonly JourneyLine[]
  /** How each accepted recipient ended, or that it still waits. */
  readonly ledger: readonly LedgerRow[]
}

export const trace: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('trace')
          .description('what became of a message: its journey and how each recipient ended')
          .argument('<question>', 'an id, an address, a Message-ID'),
      ),
    ),
    'pennypost trace alice@example.org',
    'pennypost trace "<20260201.1@example.org>" --json',
  ).action(async (question: string, options: PlaceOptions & { json?: boolean }) => {
    const found = await find(question, options)
    if (options.json) terminal.out(`${JSON.stringify(found, null, 1)}\n`)
    else for (const message of found) terminal.out(story(message))
    if (found.length === 0) {
      terminal.note(
        `Nothing is known of "${question}": journeys are kept for some weeks, and found by id, address or Message-ID.\n`,
      )
      fail(1)
    }
  })
}

async function find(question: string, options: PlaceOptions): Promise<Traced[]> {
  const [{ findJourneys }, { realFiles }] = await Promise.all([
    import('../transfer/journey.ts'),
    import('../platform/real/files.ts'),
  ])
  const folder = join(await dataFolderOf(options), 'journey')
  return withOwner(options, async (owner) => {
    // First, since it also writes what the journey holds back.
    const asked = await owner.ask('ledger', { arrivalIds: [question] })
    const lines = await findJourneys(realFiles, folder, question, linesMax)
    // The newest, in the order in which they came.
    const ids = [...new Set([...(asked.rows.length > 0 ? [question] : []), ...lines.map(({ id }) => id)])].slice(
      -messagesMax,
    )
    const { rows } = await owner.ask('ledger', { arrivalIds: ids })
    const found: Traced[] = []
    for (const id of ids) {
      const journey = await findJourneys(realFiles, folder, id, linesMax)
      found.push({
        id,
        journey: journey.filter((line) => line.id === id),
        ledger: rows.filter(({ arrivalId }) => arrivalId === id),
      })
    }
    return found
  })
}

function story({ id, journey, ledger }: Traced): string {
  const lines = [`Message ${visible(id)}`]
  for (const { id: _, at, event, ...facts } of journey) {
    lines.push(`  ${at.replace('T', ' ')}  ${event}`)
    for (const [name, value] of Object.entries(facts)) {
      const values = Array.isArray(value) ? value : [value]
      for (const one of values)
        lines.push(`    ${name}: ${visible(typeof one === 'string' ? one : JSON.stringify(one))}`)
    }
  }
  for (const { recipient, outcome, endedAtMs, detail } of ledger) {
    const end = endedAtMs === null ? 'waits in the queue' : `${outcome} at ${timeText(endedAtMs)}`
    lines.push(`  ${visible(recipient)}: ${end}${detail ? ` (${visible(detail)})` : ''}`)
  }
  return `${lines.join('\n')}\n\n`
}
