/** `pennypost quarantine` and `pennypost lost`: what the store could not apply or does not know, and what becomes of it. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import {
  ask,
  CommandFault,
  counted,
  examples,
  jsonOption,
  placeOptions,
  pages,
  printRows,
  sizeText,
  tellDone,
  visible,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'

type JsonOptions = PlaceOptions & { readonly json?: boolean }

const about = `A record is set aside when its rows cannot be written, or when its bytes are damaged though later ones are whole. Its message was
accepted and is not in any mailbox; its recipients' deliveries stay open. "retry" files it with new numbers, "export" writes its messages as
files, "drop" ends it.`

export const quarantine: Subcommand = (program, terminal) => {
  const group = program
    .command('quarantine')
    .description('manage quarantined records: accepted messages that the store could not file')
  examples(
    group,
    'pennypost quarantine list',
    'pennypost quarantine retry 3:81920',
    'pennypost quarantine export 3:81920 /root/rescued',
  )
  group.addHelpText('after', `\n${about}\n`)
  const ofRecord = (name: string, description: string): Command =>
    jsonOption(placeOptions(group.command(name).description(description).argument('<id>')))

  examples(
    jsonOption(placeOptions(group.command('list').description('list the quarantined records'))),
    'pennypost quarantine list',
    'pennypost quarantine list --json',
  ).action((options: JsonOptions) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'quarantineList', {}), {
        json: options.json,
        columns: [
          { title: 'ID', of: ({ id }) => id },
          { title: 'SIZE', of: ({ sizeBytes }) => sizeText(sizeBytes), right: true },
          { title: 'RECIPIENTS', of: ({ recipients }) => visible(recipients.join(', ')) },
          { title: 'REASON', of: ({ reason }) => visible(reason) },
        ],
        none: 'The quarantine is empty.',
      }),
    ),
  )

  examples(
    ofRecord('retry', 'file or queue the messages of a record now, with new UIDs'),
    'pennypost quarantine retry 3:81920',
  ).action(async (id: string, options: JsonOptions) => {
    await ask(options, 'quarantineRetry', { id })
    tellDone(terminal, options, { id, retried: true }, `The messages of record ${id} are filed or queued.\n`)
  })

  examples(
    ofRecord('export', 'write the messages of a record to a folder').argument('<folder>'),
    'pennypost quarantine export 3:81920 /root/rescued',
  ).action(async (id: string, folder: string, options: JsonOptions) => {
    const { files } = await ask(options, 'quarantineExport', { id, folder: resolve(folder) })
    tellDone(terminal, options, { id, files }, `${files.map((file) => `Written: ${file}`).join('\n')}\n`)
  })

  examples(
    ofRecord('drop', 'delete a record: its recipients end as discarded'),
    'pennypost quarantine drop 3:81920',
  ).action(async (id: string, options: JsonOptions) => {
    await ask(options, 'quarantineDrop', { id })
    tellDone(terminal, options, { id, dropped: true }, `Dropped record ${id}.\n`)
  })
}

export const lost: Subcommand = (program, terminal) => {
  const group = program
    .command('lost')
    .description('manage files of the data folder that the database does not know ("pennypost salvage" reads them)')
  examples(group, 'pennypost lost list', 'pennypost lost drop --yes')

  examples(
    jsonOption(placeOptions(group.command('list').description('list the files in lost/'))),
    'pennypost lost list',
  ).action((options: JsonOptions) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'lostList', {}), {
        json: options.json,
        columns: [
          { title: 'FILE', of: ({ path }) => visible(path) },
          { title: 'SIZE', of: ({ sizeBytes }) => sizeText(sizeBytes), right: true },
          { title: 'CHANGED', of: ({ changedMs }) => new Date(changedMs).toISOString() },
        ],
        none: 'There are no lost files.',
      }),
    ),
  )

  examples(
    jsonOption(
      placeOptions(
        group
          .command('drop')
          .description('delete the files in lost/; this cannot be undone')
          .option('--yes', 'confirm the deletion'),
      ),
    ),
    'pennypost lost drop --yes',
  ).action(async (options: JsonOptions & { readonly yes?: boolean }) => {
    const { rows } = await ask(options, 'lostList', {})
    if (rows.length > 0 && !options.yes)
      throw new CommandFault(`This deletes ${counted(rows.length, 'file')} for good: confirm with --yes`)
    const { files } = await ask(options, 'lostDrop', {})
    tellDone(terminal, options, { files }, `Removed ${counted(files, 'file')}.\n`)
  })
}
