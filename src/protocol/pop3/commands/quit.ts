/** QUIT: removes what is marked, and goodbye. A connection that ends without it removes nothing. RFC 1939 §6. */
import { anyState, command } from '../command.ts'
import { err, ok } from '../reply.ts'

export const quit = command({
  name: 'QUIT',
  states: anyState,
  run(state) {
    const { maildrop, words } = state
    const marked = [...state.deleted]
    state.leave()
    if (marked.length === 0) {
      maildrop.close()
      return ok(words.goodbye(0))
    }
    return maildrop
      .remove(marked)
      .then(
        () => ok(words.goodbye(marked.length)),
        () => err(words.notRemoved, 'SYS/TEMP'),
      )
      .finally(() => maildrop.close())
  },
})
