/** QUIT: removes what is marked, and goodbye. A connection that ends without it removes nothing. RFC 1939 §6. */
import { err, ok, type Pop3Command } from '../command.ts'

export const quit: Pop3Command = {
  name: 'QUIT',
  state: 'any',
  run(state) {
    const marked = [...state.deleted]
    state.leave()
    if (marked.length === 0) return ok('Goodbye')
    return state.maildrop.remove(marked).then(
      () => ok(`Goodbye, ${marked.length} removed`),
      () => err('Some messages were not removed, try again later', 'SYS/TEMP'),
    )
  },
}
