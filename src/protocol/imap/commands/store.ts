/** STORE and UID STORE: changes flags. RFC 3501 §6.4.6. */
import type { Uid } from '../../../mail/ids.ts'
import { ImapRefusal } from '../backend.ts'
import { enableCondstore, modifier } from '../condstore.ts'
import { command } from '../command.ts'
import { tellStored } from '../fetch/flags.ts'
import { flagsInListMax } from '../limits.ts'
import { requireWritable } from '../writable.ts'
import { formatNumberSet } from '../wire/sequence-set.ts'
import type { Line } from '../wire/line.ts'

export const store = command({
  name: 'STORE',
  uid: true,
  states: ['selected'],
  tellsExpunge: 'uid',

  grammar(line) {
    line.space()
    const messages = line.sequenceSet()
    line.space()
    const unchangedSince = modifier(line, 'UNCHANGEDSINCE')
    if (unchangedSince !== undefined) line.space()
    const mode = line.tries('+') ? 'add' : line.tries('-') ? 'remove' : 'replace'
    const item = line.word()
    if (item !== 'FLAGS' && item !== 'FLAGS.SILENT') throw line.fault('FLAGS', 'store-att-flags')
    line.space()
    return { messages, unchangedSince, mode, silent: item === 'FLAGS.SILENT', flags: flags(line) } as const
  },

  async *run(conversation, { messages, unchangedSince, mode, silent, flags }) {
    const { selected, view, byUid } = conversation
    requireWritable(selected)
    if (unchangedSince !== undefined) enableCondstore(conversation)
    const uids = view.resolve(messages, byUid)
    if (uids.length === 0) return
    // What others changed before is told first: in silence it would be taken for our own change.
    if (silent) view.flushUpdates(conversation.out, byUid)
    const { modSeq, failed } = await selected.store(uids, mode, flags, unchangedSince)
    view.own(modSeq)
    const left = new Set(failed)
    const stored = left.size === 0 ? uids : uids.filter((one) => !left.has(one))
    yield* tellStored(conversation, stored, { uid: byUid, silent, modSeq })
    // Those that others had changed meanwhile; the news that follow tell their flags. RFC 7162 §3.1.3.
    if (left.size > 0) {
      const numbers = byUid ? failed : failed.map((one) => view.sequenceOf(one as Uid))
      conversation.completed(`MODIFIED ${formatNumberSet(numbers)}`, 'Conditional STORE failed')
    }
    if (byUid || view.isCurrent(selected.table())) return
    // Some of the numbers may stand for nothing any more. What was there is stored, and .SILENT asked for no answer. RFC 2180 §4.2.
    const gone = uids.reduce((sum, one) => sum + Number(view.isGone(one)), 0)
    if (gone === uids.length && !silent) throw new ImapRefusal('EXPUNGEISSUED', 'The messages no longer exist')
    if (gone > 0 && left.size === 0) conversation.completed('EXPUNGEISSUED', 'Some of the messages no longer exist')
  },
})

/** `store-att-flags` allows the parentheses to be left out. */
function flags(line: Line): string[] {
  if (line.atList) return line.flagList()
  const found = [line.flag()]
  while (line.tries(' ')) {
    if (found.length >= flagsInListMax) throw line.fault('fewer flags', 'store-att-flags')
    found.push(line.flag())
  }
  return found
}
