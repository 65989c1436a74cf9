/** MOVE and UID MOVE: carry messages to another mailbox in one step. RFC 6851. */
import { command } from '../command.ts'
import { requireWritable } from '../writable.ts'
import { copyUid, messagesAndTarget } from './copy.ts'

export const move = command({
  name: 'MOVE',
  uid: true,
  capability: 'MOVE',
  states: ['selected'],
  tellsExpunge: 'always',
  grammar: messagesAndTarget,

  async run({ selected, view, out, byUid }, { messages, target }) {
    requireWritable(selected)
    const uids = view.resolve(messages, byUid)
    if (uids.length === 0) return
    const moved = await selected.move(uids, target)
    // Before the first EXPUNGE, which the view tells behind it. RFC 6851 §4.3.
    if (moved.source.length > 0) out.untaggedOk(copyUid(moved), 'Moved')
  },
})
