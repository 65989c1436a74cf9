/** CLOSE: expunges in silence and leaves the mailbox. RFC 3501 §6.4.2. */
import { command } from '../command.ts'

export const close = command({
  name: 'CLOSE',
  states: ['selected'],
  tellsExpunge: 'never',
  async run(conversation) {
    const { selected } = conversation
    if (!selected.readOnly) await selected.expunge()
    conversation.unselect()
  },
})
