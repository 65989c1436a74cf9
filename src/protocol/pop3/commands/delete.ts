/** DELE and RSET: marks for removal at QUIT, and takes the marks back. RFC 1939 §5. */
import { command, messageIndex } from '../command.ts'
import { ok } from '../reply.ts'

export const dele = command({
  name: 'DELE',
  states: ['transaction'],
  grammar: ([message], state) => messageIndex(state, message),
  run(state, index) {
    state.deleted.add(index)
    return ok(state.words.marked(index + 1))
  },
})

export const rset = command({
  name: 'RSET',
  states: ['transaction'],
  run(state) {
    state.deleted.clear()
    return ok(state.words.unmarked)
  },
})
