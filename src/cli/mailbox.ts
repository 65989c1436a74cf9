/** `pennypost mailbox`: what an account keeps, mailbox by mailbox. */
import {
  examples,
  jsonOption,
  pages,
  placeOptions,
  printRows,
  sizeText,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'

export const mailbox: Subcommand = (program, terminal) => {
  const mailboxes = program.command('mailbox').description('the mailboxes of an account')
  examples(mailboxes, 'pennypost mailbox list alice@example.org')

  examples(
    jsonOption(
      placeOptions(
        mailboxes
          .command('list')
          .description('list the mailboxes of an account with their counts')
          .argument('<account>'),
      ),
    ),
    'pennypost mailbox list alice@example.org',
    'pennypost mailbox list alice@example.org --json',
  ).action((account: string, options: PlaceOptions & { json?: boolean }) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'mailboxList', { account }), {
        json: options.json,
        columns: [
          { title: 'MAILBOX', of: ({ name }) => name },
          { title: 'ROLE', of: ({ role }) => role ?? '' },
          { title: 'MESSAGES', of: ({ messages }) => String(messages), right: true },
          { title: 'UNSEEN', of: ({ unseen }) => String(unseen), right: true },
          { title: 'SIZE', of: ({ sizeBytes }) => sizeText(sizeBytes), right: true },
          { title: 'UIDNEXT', of: ({ uidNext }) => String(uidNext), right: true },
        ],
        none: 'It has no mailboxes.',
      }),
    ),
  )
}
