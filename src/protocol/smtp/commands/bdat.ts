/** BDAT: a piece of the message, counted instead of ended by a dot. CHUNKING and BINARYMIME, RFC 3030. */
import { latin1 } from '../../../base/bytes.ts'
import { anyState, command } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

export const bdat = command({
  name: 'BDAT',
  // Whatever is out of order, the octets have to be swallowed first: takeChunk says what was wrong behind them.
  states: anyState,
  help: 'BDAT octets [LAST], then so many octets',
  capability: () => 'CHUNKING',
  /** undefined: it cannot be read. */
  grammar(line) {
    // Fifteen digits are exact in a number, and more than any disk has.
    const match = /^(\d{1,15})(?: +(LAST))?$/i.exec(latin1(line))
    return match ? { octets: Number(match[1]), last: match[2] !== undefined } : undefined
  },
  run(state, chunk) {
    if (chunk) return state.takeChunk(chunk.octets, chunk.last)
    // Where the octets end is not known, and none of them must be taken for a command.
    state.reset()
    return { kind: 'close', bytes: formatReply(501, '5.5.4 Expected BDAT octets [LAST]; closing connection') }
  },
})
