/** QUIT: goodbye. RFC 5321 §4.1.1.10. */
import { anyState, command } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

const goodbye = formatReply(221, '2.0.0 Goodbye')

export const quit = command({
  name: 'QUIT',
  states: anyState,
  help: 'QUIT',
  run(state) {
    state.reset()
    return { kind: 'close', bytes: goodbye, peerIsDone: true }
  },
})
