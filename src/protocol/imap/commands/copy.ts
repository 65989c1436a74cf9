/** COPY and UID COPY. RFC 3501 §6.4.7; COPYUID: RFC 4315 §3. */
import { command } from '../command.ts'
import type { CopyResult } from '../backend.ts'
import type { Line } from '../wire/line.ts'
import { formatNumberSet } from '../wire/sequence-set.ts'

export const copy = command({
  name: 'COPY',
  uid: true,
  states: ['selected'],
  tellsExpunge: 'always',
  grammar: messagesAndTarget,

  async run(conversation, { messages, target }) {
    const { selected, view, byUid } = conversation
    const uids = view.resolve(messages, byUid)
    if (uids.length === 0) return
    const copied = await selected.copy(uids, target)
    if (copied.source.length > 0) conversation.completed(copyUid(copied))
  },
})

export function messagesAndTarget(line: Line) {
  line.space()
  const messages = line.sequenceSet()
  line.space()
  return { messages, target: line.mailbox() }
}

export function copyUid({ uidValidity, source, target }: CopyResult): string {
  return `COPYUID ${uidValidity} ${formatNumberSet(source)} ${formatNumberSet(target)}`
}
