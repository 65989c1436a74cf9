/** DELE and RSET: marks for removal at QUIT, and takes the marks back. RFC 1939 §5. */
import { messageIndex, type Pop3Command } from '../command.ts'
import { ok } from '../reply.ts'

export const dele: Pop3Command = {
  name: 'DELE',
  state: 'transaction',
  run(state, args) {
    const index = messageIndex(state, args[0])
    state.deleted.add(index)
    return ok(state.words.marked(index + 1))
  },
}

export const rset: Pop3Command = {
  name: 'RSET',
  state: 'transaction',
  run(state) {
    state.deleted.clear()
    return ok(state.words.unmarked)
  },
}
