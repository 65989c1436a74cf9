/** BDAT: a piece of the message, counted instead of ended by a dot. CHUNKING and BINARYMIME, RFC 3030. */
import { latin1 } from '../../../base/bytes.ts'
import type { SmtpCommand } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

export const bdat: SmtpCommand = {
  name: 'BDAT',
  // Whatever is out of order, the octets have to be swallowed first: takeChunk says what was wrong behind them.
  needs: 'nothing',
  help: 'BDAT octets [LAST], then so many octets',
  ehlo: () => 'CHUNKING',
  run(state, argument) {
    // Fifteen digits are exact in a number, and more than any disk has.
    const match = /^(\d{1,15})(?: +(LAST))?$/i.exec(latin1(argument))
    if (match) return state.takeChunk(Number(match[1]), match[2] !== undefined)
    // Where the octets end is not known, and none of them must be taken for a command.
    state.reset()
    return { kind: 'close', bytes: formatReply(501, '5.5.4 Expected BDAT octets [LAST]; closing connection') }
  },
}
