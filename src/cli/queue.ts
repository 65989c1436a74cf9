/** `pennypost queue`: mail that waits for its transfer. */
import type { Terminal } from '../platform/real/terminal.ts'
import type { Command } from 'commander'
import type { AnswerOf } from '../admin/control.ts'
import type { Owner } from '../admin/owner.ts'
import type { QueueListing } from '../admin/control-queue.ts'
import { parseDestination } from '../mail/destination.ts'
import {
  examples,
  jsonOption,
  pages,
  placeOptions,
  printRows,
  readCount,
  readDuration,
  sizeText,
  timeText,
  UsageFault,
  visible,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import { printShape } from './queue-shape.ts'
import type { Subcommand } from './subcommand.ts'

/** Recipients in one commit: a long list is worked off in pieces. */
const actMax = 200

interface Act {
  readonly act: string
  readonly description: string
  readonly done: string
  readonly example?: string
}

const acts: readonly Act[] = [
  { act: 'hold', description: 'hold recipients: they stay in the queue without attempts', done: 'held' },
  { act: 'release', description: 'release held recipients', done: 'released' },
  { act: 'retry', description: 'try recipients now, whenever they are due', done: 'due now' },
  { act: 'drop', description: 'delete recipients from the queue without a bounce', done: 'dropped' },
  {
    act: 'fail',
    description: 'give recipients up and send a bounce (by the running server)',
    done: 'given up; the sender gets a bounce',
    example: ' --reason "The host was closed for good"',
  },
  {
    act: 'reroute',
    description: 'send recipients through another host from now on',
    done: 'rerouted',
    example: ' --to relay.example.net:25',
  },
]

interface FilterOptions {
  readonly sender?: string
  readonly recipient?: string
  readonly recipientDomain?: string
  readonly destination?: string
  readonly state?: string
  readonly olderThan?: string
}

function filterOptions(command: Command): Command {
  return command
    .option('--sender <address>', 'from this sender: an address, @domain, or <> for bounces')
    .option('--recipient <address>', 'to this address')
    .option('--recipient-domain <domain>', 'to any address in this domain')
    .option('--destination <name>', 'to this destination, as shown by --by-destination')
    .option('--state <state>', 'in this state: ready, deferred, leased or held')
    .option('--older-than <time>', 'accepted before this time ago, as 2h or 3d')
}

interface Filter {
  readonly sender?: string
  readonly recipient?: string
  readonly destination?: string
  readonly state?: string
  readonly olderThanMs?: number
}

async function filterOf(options: FilterOptions): Promise<Filter> {
  const { sender, recipient, recipientDomain, destination, state, olderThan } = options
  if (recipient !== undefined && recipientDomain !== undefined)
    throw new UsageFault('Use either --recipient or --recipient-domain')
  if (state !== undefined && !['ready', 'deferred', 'leased', 'held'].includes(state))
    throw new UsageFault(`Unknown state "${state}": use ready, deferred, leased or held`)
  return {
    sender: sender === '<>' ? '' : sender?.replace(/^<|>$/g, ''),
    recipient: recipientDomain === undefined ? recipient : `@${recipientDomain.replace(/^@/, '')}`,
    destination,
    state,
    olderThanMs: olderThan === undefined ? undefined : await readDuration('--older-than', olderThan),
  }
}

const isEmpty = (filter: Filter): boolean => Object.values(filter).every((value) => value === undefined)

/** Absent ones are left out: what travels is JSON. */
function given<Values extends object>(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Values
}

function readIds(texts: readonly string[]): number[] {
  return texts.map((text) => {
    if (!/^\d{1,15}$/.test(text))
      throw new UsageFault(`"${text}" is not an id: use the numbers that "queue list" shows`)
    return Number(text)
  })
}

interface Wish {
  readonly act: string
  readonly to?: string
  readonly reason?: string
}

/** How many it was done to, and how many of them stay held. */
interface Done {
  readonly recipients: number
  readonly held: number
}

async function actOn(owner: Owner, wish: Wish, ids: readonly number[]): Promise<Done> {
  let held = 0
  for (let at = 0; at < ids.length; at += actMax) {
    held += (await owner.ask('queueAct', { recipients: ids.slice(at, at + actMax), ...wish })).held ?? 0
  }
  return { recipients: ids.length, held }
}

async function actWhere(owner: Owner, wish: Wish, filter: Filter): Promise<Done> {
  let recipients = 0
  let held = 0
  for (let after: number | undefined = 0; after !== undefined;) {
    const piece: AnswerOf<'queueActWhere'> = await owner.ask('queueActWhere', { ...wish, ...filter, after })
    recipients += piece.recipients
    held += piece.held ?? 0
    after = piece.next
  }
  return { recipients, held }
}

/** Only so many rows of pages. */
async function* firstRows<Row>(source: AsyncIterable<readonly Row[]>, limit: number): AsyncGenerator<readonly Row[]> {
  let left = limit
  for await (const page of source) {
    yield page.slice(0, left)
    left -= page.length
    if (left <= 0) return
  }
}

export const queue: Subcommand = (program, terminal) => {
  const queues = program.command('queue').description('manage the queue of outgoing mail')
  examples(
    queues,
    'pennypost queue list --by-destination',
    'pennypost queue show 17',
    'pennypost queue retry --recipient-domain example.net',
    'pennypost queue fail --sender spammer@example.org',
  )
  addList(queues, terminal)
  addShow(queues, terminal)
  addActs(queues, terminal)
}

function addList(queues: Command, terminal: Terminal): void {
  examples(
    filterOptions(jsonOption(placeOptions(queues.command('list').description('list the recipients in the queue'))))
      .option('--limit <count>', 'show at most this many')
      .option('--by-destination', 'count recipients by destination and age'),
    'pennypost queue list',
    'pennypost queue list --recipient-domain example.net --older-than 2h',
    'pennypost queue list --by-destination',
    'pennypost queue list --json',
  ).action(
    async (
      options: PlaceOptions & FilterOptions & { json?: boolean; limit?: string; byDestination?: boolean },
    ): Promise<void> => {
      const filter = await filterOf(options)
      const limit = options.limit === undefined ? Infinity : readCount('--limit', options.limit)
      if (options.byDestination && !isEmpty(filter))
        throw new UsageFault('--by-destination shows the whole queue: leave the other options out')
      return withOwner(options, async (owner) => {
        if (options.byDestination) return printShape(owner, terminal, { json: options.json, limit })
        await printRows(terminal, firstRows(pages(owner, 'queueList', given(filter)), limit), {
          json: options.json,
          columns: [
            { title: 'ID', of: ({ id }) => String(id), right: true },
            { title: 'STATE', of: ({ state }) => state },
            { title: 'TO', of: ({ address }) => address },
            { title: 'FROM', of: ({ reversePath }) => reversePath || '<>' },
            { title: 'SIZE', of: ({ sizeBytes }) => sizeText(sizeBytes), right: true },
            { title: 'TRIES', of: ({ attempts }) => String(attempts), right: true },
            { title: 'NEXT', of: ({ nextAttemptMs }) => timeText(nextAttemptMs) },
            { title: 'MESSAGE', of: ({ arrivalId }) => arrivalId },
            { title: 'LAST REPLY', of: ({ lastReply }) => lastReply ?? '' },
          ],
          none: isEmpty(filter) ? 'The queue is empty.' : 'No matching recipients in the queue.',
        })
      })
    },
  )
}

function addShow(queues: Command, terminal: Terminal): void {
  examples(
    jsonOption(
      placeOptions(
        queues
          .command('show')
          .description('show a queued message: its recipients, each attempt, its header')
          .argument('<id>', 'the id of one of its recipients, as shown by "queue list"'),
      ),
    ),
    'pennypost queue show 17',
    'pennypost queue show 17 --json',
  ).action((text: string, options: PlaceOptions & { json?: boolean }) => {
    const [recipient] = readIds([text])
    return withOwner(options, async (owner) => {
      const shown = await owner.ask('queueShow', { recipient: recipient! })
      terminal.out(options.json ? `${JSON.stringify(shown, null, 1)}\n` : story(shown))
    })
  })
}

function addActs(queues: Command, terminal: Terminal): void {
  for (const { act, description, done, example = '' } of acts) {
    const added = filterOptions(
      jsonOption(
        placeOptions(queues.command(act).description(description).argument('[ids...]', 'ids as shown by "queue list"')),
      ).option('--all', 'all recipients in the queue'),
    )
    if (act === 'reroute')
      added.requiredOption(
        '--to <host:port>',
        'the host to use, behind "lmtp:" for LMTP; "mx" for the MX hosts or route of the domain',
      )
    if (act === 'fail') added.option('--reason <words>', 'the reason that the bounce gives')
    examples(
      added,
      `pennypost queue ${act} 17 18${example}`,
      `pennypost queue ${act} --recipient-domain example.net --older-than 1d${example}`,
      `pennypost queue ${act} --all${example}`,
    ).action(async (texts: string[], options: ActOptions) => {
      const filter = await filterOf(options)
      const ways = [texts.length > 0, options.all ?? false, !isEmpty(filter)].filter(Boolean).length
      if (ways !== 1) {
        throw new UsageFault(
          `Choose the recipients to ${act}: ids, --all, or filters such as --sender and --recipient-domain`,
        )
      }
      const ids = readIds(texts)
      const wish = given({ act, to: options.to, reason: options.reason })
      const { recipients: count, held } = await withOwner(options, (owner) =>
        texts.length > 0 ? actOn(owner, wish, ids) : actWhere(owner, wish, given(filter)),
      )
      if (options.json) terminal.out(`${JSON.stringify({ act, recipients: count, held })}\n`)
      else terminal.out(`${count} ${count === 1 ? 'recipient is' : 'recipients are'} ${done}.\n`)
      if (held > 0 && !options.json)
        terminal.out(
          `${held} of them ${held === 1 ? 'is' : 'are'} held, and ${held === 1 ? 'goes' : 'go'} when released.\n`,
        )
    })
  }
}

type ActOptions = PlaceOptions & FilterOptions & { json?: boolean; all?: boolean; to?: string; reason?: string }

function routeText(row: QueueListing): string {
  const destination = parseDestination(row.destination)
  switch (destination.kind) {
    case 'local':
      return 'a local mailbox'
    case 'failed':
      return 'given up by the operator'
    case 'host':
      return `rerouted to ${destination.host}:${destination.port}`
    case 'lmtp':
      return `rerouted to ${destination.host}:${destination.port}, by LMTP`
    case 'domain':
      return `the mail hosts of ${destination.domain}, or the route that the configuration gives`
  }
}

function story(shown: AnswerOf<'queueShow'>): string {
  const { arrivalId, reversePath, sizeBytes, acceptedAtMs, expiresAtMs, header, recipients } = shown
  const lines = [
    `Message ${arrivalId} from ${visible(reversePath || '<>')}, ${sizeText(sizeBytes)}`,
    `  accepted ${timeText(acceptedAtMs)}, expires ${timeText(expiresAtMs)}`,
    '',
  ]
  for (const one of recipients) {
    const next =
      one.state === 'held' ? 'held' : one.state === 'leased' ? 'in progress' : `next ${timeText(one.nextAttemptMs)}`
    lines.push(`  ${one.id}  ${visible(one.address)}: ${next}, ${one.attempts} ${one.attempts === 1 ? 'try' : 'tries'}`)
    lines.push(`      by ${visible(routeText(one))}`)
    for (const { atMs, reply } of one.tried) lines.push(`      ${timeText(atMs)}  ${visible(reply)}`)
  }
  lines.push('', ...header.map((line) => `  | ${visible(line.replaceAll('\t', ' '))}`))
  return `${lines.join('\n')}\n`
}
