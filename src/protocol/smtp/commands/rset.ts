/** RSET: forgets the transaction. RFC 5321 §4.1.1.5. */
import { anyState, command } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

export const rset = command({
  name: 'RSET',
  states: anyState,
  help: 'RSET',
  run(state) {
    state.reset()
    return formatReply(250, '2.0.0 Ok')
  },
})
