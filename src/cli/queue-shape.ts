/** `pennypost queue list --by-destination`: who waits for whom, by age. Model: postfix's qshape. */
import type { Terminal } from '../platform/real/terminal.ts'
import type { Owner } from '../admin/owner.ts'
import { queueAgesMinutes, type QueueShapeRow } from '../store/entities.ts'
import { pages, printRows, timeText } from './context.ts'

/** Destinations that a person is shown: the largest come first. */
const shownMax = 40

function add(one: QueueShapeRow, other: QueueShapeRow): QueueShapeRow {
  return {
    destination: one.destination,
    recipients: one.recipients + other.recipients,
    held: one.held + other.held,
    deferred: one.deferred + other.deferred,
    oldestMs: Math.min(one.oldestMs, other.oldestMs),
    ages: one.ages.map((count, i) => count + other.ages[i]!),
  }
}

export async function printShape(
  owner: Owner,
  terminal: Terminal,
  options: { readonly json?: boolean; readonly limit: number },
): Promise<void> {
  const found = new Map<string, QueueShapeRow>()
  for await (const rows of pages(owner, 'queueShape', {})) {
    for (const row of rows) {
      const known = found.get(row.destination)
      found.set(row.destination, known ? add(known, row) : row)
    }
  }
  const all = [...found.values()].sort(
    (a, b) => b.recipients - a.recipients || a.destination.localeCompare(b.destination),
  )
  const shown = all.slice(0, Math.min(options.limit, options.json ? Infinity : shownMax))
  const total = all.length === 0 || options.json ? [] : [{ ...all.reduce(add), destination: 'TOTAL' }]
  await printRows(terminal, one([...total, ...shown]), {
    json: options.json,
    columns: [
      { title: 'DESTINATION', of: ({ destination }) => destination },
      { title: 'ALL', of: ({ recipients }) => String(recipients), right: true },
      ...queueAgesMinutes.map((age, i) => ({
        title: `${age}m`,
        of: ({ ages }: QueueShapeRow) => String(ages[i]!),
        right: true,
      })),
      { title: `>${queueAgesMinutes.at(-1)}m`, of: ({ ages }) => String(ages.at(-1)!), right: true },
      { title: 'HELD', of: ({ held }) => String(held), right: true },
      { title: 'OLDEST', of: ({ oldestMs }) => timeText(oldestMs) },
    ],
    none: 'The queue is empty.',
  })
  if (shown.length < all.length && !options.json)
    terminal.note(`… and ${all.length - shown.length} more destinations; --json lists them all.\n`)
}

async function* one<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield rows
}
