/** SELECT: opens a mailbox and says what is in it. RFC 3501 §6.3.1. */
import { seenBit } from '../../../mail/flags.ts'
import { condstore, enableCondstore } from '../condstore.ts'
import { command, signedIn } from '../command.ts'
import type { Conversation } from '../command.ts'
import type { Line } from '../wire/line.ts'

export const select = command({
  name: 'SELECT',
  states: signedIn,
  tellsExpunge: 'never',
  grammar: selectArguments,
  run: (conversation, { name, aware }) => open(conversation, name, false, aware),
})

/** `select-param`: RFC 4466 §2.1, RFC 7162 §3.1.8. */
export function selectArguments(line: Line) {
  const name = mailboxArgument(line)
  if (!line.tries(' ')) return { name, aware: false }
  line.takes('(', 'select-param')
  if (line.word() !== condstore) throw line.fault(condstore, 'select-param')
  line.takes(')', 'select-param')
  return { name, aware: true }
}

export function mailboxArgument(line: Line): string {
  line.space()
  return line.mailbox()
}

/** What SELECT and EXAMINE say, in the order of RFC 3501 §6.3.1. A failed one leaves no mailbox selected. */
export async function open(conversation: Conversation, name: string, readOnly: boolean, aware: boolean): Promise<void> {
  conversation.unselect()
  if (aware) enableCondstore(conversation)
  await conversation.select(name, readOnly)
  const { out, selected, view } = conversation
  const flags = selected.flagNames().filter((flag) => flag !== undefined)
  out.text(`* FLAGS (${flags.join(' ')})\r\n* ${view.count} EXISTS\r\n* ${view.recentCount()} RECENT\r\n`)
  const unseen = firstUnseen(conversation)
  if (unseen > 0) out.untaggedOk(`UNSEEN ${unseen}`, 'First unseen')
  const permanent = selected.readOnly ? [] : selected.keywordsOpen() ? [...flags, '\\*'] : flags
  out.untaggedOk(`PERMANENTFLAGS (${permanent.join(' ')})`, selected.readOnly ? 'Read-only' : 'Limited')
  out.untaggedOk(`UIDNEXT ${selected.uidNext()}`, 'Predicted next UID')
  out.untaggedOk(`HIGHESTMODSEQ ${selected.highestModSeq()}`, 'Highest')
  out.untaggedOk(`UIDVALIDITY ${selected.uidValidity}`, 'UIDs valid')
  conversation.completed(selected.readOnly ? 'READ-ONLY' : 'READ-WRITE')
}

/** The first message without \Seen; 0 when there is none. */
function firstUnseen({ selected, view }: Conversation): number {
  const { flagsLow } = selected.table()
  for (let i = 0; i < view.count; i++) if ((flagsLow[i]! & seenBit) === 0) return i + 1
  return 0
}
