/** EXPUNGE and UID EXPUNGE: removes what is \Deleted. RFC 3501 §6.4.3, RFC 4315 §2.1. */
import { command } from '../command.ts'
import { requireWritable } from '../writable.ts'

export const expunge = command({
  name: 'EXPUNGE',
  uid: true,
  states: ['selected'],
  tellsExpunge: 'always',

  grammar(line, { byUid }) {
    if (!byUid) return undefined
    line.space()
    return line.sequenceSet()
  },

  async run({ selected, view }, messages) {
    requireWritable(selected)
    // Which messages went is told by the view, as every expunge is.
    await selected.expunge(messages && view.resolve(messages, true))
  },
})
