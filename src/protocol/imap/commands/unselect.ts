/** UNSELECT: CLOSE without the expunge. RFC 3691. */
import { command } from '../command.ts'

export const unselect = command({
  name: 'UNSELECT',
  capability: 'UNSELECT',
  states: ['selected'],
  tellsExpunge: 'never',
  run(conversation) {
    conversation.unselect()
  },
})
