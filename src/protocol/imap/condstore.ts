/** CONDSTORE: clients that understand mod-sequences are told them. RFC 7162 §3.1. */
import type { ModSeq } from '../../mail/ids.ts'
import type { Conversation } from './command.ts'
import type { Line } from './wire/line.ts'

/** The name in ENABLE and in the set of what is on. */
export const condstore = 'CONDSTORE'

/** A command that shows that the client knows mod-sequences; the first with a mailbox open is told the highest. RFC 7162 §3.1. */
export function enableCondstore(conversation: Conversation): void {
  if (conversation.enabled.has(condstore)) return
  conversation.enable(condstore)
  if (conversation.state !== 'selected') return
  conversation.out.untaggedOk(`HIGHESTMODSEQ ${conversation.selected.highestModSeq()}`, 'Highest')
}

/** ` (NAME n)` behind a command's arguments, or undefined. RFC 7162 §7, RFC 4466 §2.4. */
export function modifier(line: Line, name: string): ModSeq | undefined {
  if (!line.tries('(')) return undefined
  if (line.word() !== name) throw line.fault(name, 'modifier')
  line.space()
  const value = line.number64() as ModSeq
  line.takes(')', 'modifier')
  return value
}
