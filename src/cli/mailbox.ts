/** `pennypost mailbox`: what an account keeps, mailbox by mailbox. */
import type { Terminal } from '../platform/real/terminal.ts'
import type { Command } from 'commander'
import type { AnswerOf } from '../admin/control.ts'
import {
  ask,
  CommandFault,
  counted,
  examples,
  jsonOption,
  pages,
  placeOptions,
  printRows,
  sizeText,
  tellDone,
  visible,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'

type JsonOptions = PlaceOptions & { readonly json?: boolean }

/** A subcommand about one mailbox of an account. */
function ofMailbox(parent: Command, name: string, description: string): Command {
  return jsonOption(
    placeOptions(parent.command(name).description(description).argument('<account>').argument('<mailbox>')),
  )
}

export const mailbox: Subcommand = (program, terminal) => {
  const mailboxes = program.command('mailbox').description('manage the mailboxes of an account')
  examples(
    mailboxes,
    'pennypost mailbox list alice@example.org',
    'pennypost mailbox show alice@example.org INBOX',
    'pennypost mailbox create alice@example.org Projects/2026',
  )
  addList(mailboxes, terminal)
  addShow(mailboxes, terminal)
  addCreate(mailboxes, terminal)
  addRename(mailboxes, terminal)
  addDelete(mailboxes, terminal)
  addSubscribeAndUnsubscribe(mailboxes, terminal)
}

function addList(mailboxes: Command, terminal: Terminal): void {
  examples(
    jsonOption(
      placeOptions(
        mailboxes
          .command('list')
          .description('list the mailboxes of an account with message counts')
          .argument('<account>'),
      ),
    ),
    'pennypost mailbox list alice@example.org',
    'pennypost mailbox list alice@example.org --json',
  ).action((account: string, options: JsonOptions) =>
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
        none: 'The account has no mailboxes.',
      }),
    ),
  )
}

function addShow(mailboxes: Command, terminal: Terminal): void {
  examples(
    ofMailbox(mailboxes, 'show', 'show the counts, size and UIDs of a mailbox').alias('status'),
    'pennypost mailbox show alice@example.org INBOX',
    'pennypost mailbox status alice@example.org Archive --json',
  ).action(async (account: string, name: string, options: JsonOptions) => {
    const shown = await ask(options, 'mailboxShow', { account, name })
    tellDone(terminal, options, shown, story(shown))
  })
}

function addCreate(mailboxes: Command, terminal: Terminal): void {
  examples(
    ofMailbox(mailboxes, 'create', 'create a mailbox and its parents, and subscribe to it').option(
      '--role <role>',
      'special use: archive, junk, sent, trash, drafts, all, flagged, important',
    ),
    'pennypost mailbox create alice@example.org Projects/2026',
    'pennypost mailbox create alice@example.org "All Mail" --role archive',
  ).action(async (account: string, name: string, options: JsonOptions & { role?: string }) => {
    const made = await ask(options, 'mailboxCreate', { account, name, role: options.role })
    tellDone(terminal, options, made, `Created mailbox ${visible(made.name)} of ${made.account}.\n`)
  })
}

function addRename(mailboxes: Command, terminal: Terminal): void {
  examples(
    jsonOption(
      placeOptions(
        mailboxes
          .command('rename')
          .description('rename a mailbox and its children')
          .argument('<account>')
          .argument('<mailbox>')
          .argument('<new-name>'),
      ),
    ),
    'pennypost mailbox rename alice@example.org Projects Archive/Projects',
  ).action(async (account: string, from: string, to: string, options: JsonOptions) => {
    const done = await ask(options, 'mailboxRename', { account, from, to })
    tellDone(
      terminal,
      options,
      done,
      `Renamed mailbox ${visible(done.from)} of ${done.account} to ${visible(done.to)}.\n`,
    )
  })
}

function addDelete(mailboxes: Command, terminal: Terminal): void {
  examples(
    ofMailbox(mailboxes, 'delete', 'delete a mailbox and its messages').option(
      '--yes',
      'delete the mail without asking; this cannot be undone',
    ),
    'pennypost mailbox delete alice@example.org Projects/2025 --yes',
  ).action(async (account: string, name: string, options: JsonOptions & { yes?: boolean }) => {
    const { messages } = await ask(options, 'mailboxShow', { account, name })
    if (messages > 0 && !options.yes) {
      throw new CommandFault(
        `"${name}" has ${counted(messages, 'message')}, which would be deleted: confirm with --yes`,
      )
    }
    const done = await ask(options, 'mailboxDelete', { account, name })
    tellDone(
      terminal,
      options,
      done,
      `Deleted mailbox ${visible(done.name)} of ${done.account} with ${counted(done.messages, 'message')}.\n`,
    )
  })
}

function addSubscribeAndUnsubscribe(mailboxes: Command, terminal: Terminal): void {
  for (const [word, on, description] of [
    ['subscribe', true, 'subscribe to a mailbox, so that mail programs show it'],
    ['unsubscribe', false, 'unsubscribe from a mailbox, so that mail programs hide it'],
  ] as const) {
    examples(
      ofMailbox(mailboxes, word, description),
      `pennypost mailbox ${word} alice@example.org Projects/2026`,
    ).action(async (account: string, name: string, options: JsonOptions) => {
      const done = await ask(options, 'mailboxSubscribe', { account, name, on })
      tellDone(
        terminal,
        options,
        done,
        `${done.account} is ${on ? '' : 'no longer '}subscribed to ${visible(done.name)}.\n`,
      )
    })
  }
}

function story(shown: AnswerOf<'mailboxShow'>): string {
  const { account, name, role, messages, unseen, deleted, sizeBytes, uidValidity, uidNext, highestModSeq } = shown
  return [
    `${visible(name)} of ${account}`,
    ...(role === null ? [] : [`  role           ${role}`]),
    `  subscribed     ${shown.subscribed ? 'yes' : 'no'}`,
    `  messages       ${messages}, of them ${unseen} unseen and ${deleted} marked as deleted`,
    `  size           ${sizeText(sizeBytes)}`,
    `  uidvalidity    ${uidValidity}`,
    `  uidnext        ${uidNext}`,
    `  highestmodseq  ${highestModSeq}`,
    '',
  ].join('\n')
}
