/** SELECT: opens a mailbox and says what is in it. RFC 3501 §6.3.1. */
import { seenBit } from '../../../mail/flags.ts'
import { condstore, enableCondstore } from '../condstore.ts'
import { command, signedIn } from '../command.ts'
import type { Conversation } from '../command.ts'
import { tellFlags, tellPermanentFlags } from '../flag-names.ts'
import { speaksRev2 } from '../rev2.ts'
import { encodeMailbox } from '../wire/encode.ts'
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
  const { out } = conversation
  const modern = speaksRev2(conversation)
  if (modern && conversation.state === 'selected') out.untaggedOk('CLOSED', 'Previous mailbox is closed')
  conversation.unselect()
  if (aware) enableCondstore(conversation)
  await conversation.select(name, readOnly)
  const { selected, view } = conversation
  tellFlags(out, selected)
  out.text(`* ${view.count} EXISTS\r\n`)
  if (!modern) tellOldFacts(conversation)
  tellPermanentFlags(out, selected)
  out.untaggedOk(`UIDNEXT ${selected.uidNext()}`, 'Predicted next UID')
  out.untaggedOk(`HIGHESTMODSEQ ${selected.highestModSeq()}`, 'Highest')
  out.untaggedOk(`UIDVALIDITY ${selected.uidValidity}`, 'UIDs valid')
  // RFC 9051 §6.3.2: the name as LIST would say it.
  if (modern) out.text(`* LIST () "/" ${encodeMailbox(selected.name, true)}\r\n`)
  conversation.completed(selected.readOnly ? 'READ-ONLY' : 'READ-WRITE')
}

/** What RFC 9051 Appendix E has dropped. */
function tellOldFacts(conversation: Conversation): void {
  const { out, view } = conversation
  out.text(`* ${view.recentCount()} RECENT\r\n`)
  const unseen = firstUnseen(conversation)
  if (unseen > 0) out.untaggedOk(`UNSEEN ${unseen}`, 'First unseen')
}

/** The first message without \Seen; 0 when there is none. */
function firstUnseen({ selected, view }: Conversation): number {
  const { flagsLow } = selected.table()
  for (let i = 0; i < view.count; i++) if ((flagsLow[i]! & seenBit) === 0) return i + 1
  return 0
}
