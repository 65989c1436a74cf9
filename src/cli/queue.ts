/** `pennypost queue`: mail that waits for its transfer. */
import type { Owner } from '../server/owner.ts'
import {
  examples,
  jsonOption,
  pages,
  placeOptions,
  printRows,
  sizeText,
  timeText,
  UsageFault,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'

type Act = 'hold' | 'release' | 'retry' | 'drop'

/** Recipients in one commit: a list of everything is worked off in pieces. */
const actMax = 200

const acts: readonly { readonly act: Act; readonly description: string; readonly done: string }[] = [
  { act: 'hold', description: 'keep recipients in the queue without trying', done: 'held' },
  { act: 'release', description: 'let held recipients go on', done: 'released' },
  { act: 'retry', description: 'try recipients now, whenever they were due', done: 'due now' },
  { act: 'drop', description: 'give recipients up without telling the sender', done: 'dropped' },
]

async function actOn(owner: Owner, act: Act, recipients: readonly number[]): Promise<number> {
  for (let at = 0; at < recipients.length; at += actMax) {
    await owner.ask('queueAct', { recipients: recipients.slice(at, at + actMax), act })
  }
  return recipients.length
}

/** One by one: those whose way ended since they were listed are passed over. */
async function actOnWaiting(owner: Owner, act: Act, recipients: readonly number[]): Promise<number> {
  let count = 0
  for (const recipient of recipients) {
    try {
      count += await actOn(owner, act, [recipient])
    } catch (error) {
      if ((error as { code?: string }).code !== 'noSuchEntry') throw error
    }
  }
  return count
}

async function actOnAll(owner: Owner, act: Act): Promise<number> {
  let count = 0
  for await (const rows of pages(owner, 'queueList', {})) {
    const wanted = rows.filter(({ state }) => act !== 'release' || state === 'held')
    count += await actOnWaiting(
      owner,
      act,
      wanted.map(({ id }) => id),
    )
  }
  return count
}

export const queue: Subcommand = (program, terminal) => {
  const queues = program.command('queue').description('mail that waits for its transfer')
  examples(queues, 'pennypost queue list', 'pennypost queue retry 17 18', 'pennypost queue retry --all')

  examples(
    jsonOption(placeOptions(queues.command('list').description('list the recipients that wait'))),
    'pennypost queue list',
    'pennypost queue list --json',
  ).action((options: PlaceOptions & { json?: boolean }) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'queueList', {}), {
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
        none: 'Nothing waits in the queue.',
      }),
    ),
  )

  for (const { act, description, done } of acts) {
    examples(
      placeOptions(
        queues.command(act).description(description).argument('[ids...]', 'as "queue list" shows them'),
      ).option('--all', 'all that wait'),
      `pennypost queue ${act} 17 18`,
      `pennypost queue ${act} --all`,
    ).action(async (texts: string[], options: PlaceOptions & { all?: boolean }) => {
      if (texts.length > 0 === (options.all ?? false))
        throw new UsageFault(`Name the recipients to ${act} by their ids, or take --all`)
      const ids = texts.map((text) => {
        if (!/^\d{1,15}$/.test(text))
          throw new UsageFault(`"${text}" is no id: take the numbers that "queue list" shows`)
        return Number(text)
      })
      const count = await withOwner(options, (owner) => (options.all ? actOnAll(owner, act) : actOn(owner, act, ids)))
      terminal.out(`${count} ${count === 1 ? 'recipient is' : 'recipients are'} ${done}.\n`)
    })
  }
}
