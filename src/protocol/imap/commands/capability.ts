/** CAPABILITY: what this server can do here and now. RFC 3501 §6.1.1. */
import { anyState, command } from '../command.ts'

export const capability = command({
  name: 'CAPABILITY',
  states: anyState,
  tellsExpunge: 'always',
  run(conversation) {
    conversation.out.text(`* CAPABILITY ${conversation.capabilities()}\r\n`)
  },
})
