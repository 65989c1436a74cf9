/** XFORWARD: a filter that we trust says where the next message came from, for our records alone. Postfix's XFORWARD_README. */
import { latin1 } from '../../../base/bytes.ts'
import { Refusal } from '../../../mail/status.ts'
import { anyState, command } from '../command.ts'
import { parseForwarded, xforwardAttributes } from '../forwarded.ts'
import { formatReply } from '../wire/reply.ts'

export const xforward = command({
  name: 'XFORWARD',
  states: anyState,
  offered: ({ mayForward }) => mayForward,
  help: 'XFORWARD NAME=… ADDR=… PORT=… PROTO=… HELO=… IDENT=… SOURCE=…',
  capability: ({ mayForward }) => (mayForward ? `XFORWARD ${xforwardAttributes.join(' ')}` : undefined),
  declines(state) {
    if (!state.mayForward) throw new Refusal({ code: 550, enhanced: '5.7.1', text: 'Not authorized' })
    if (state.transaction) return formatReply(503, '5.5.1 Not in the middle of a message')
    return undefined
  },
  grammar: (line) => parseForwarded(latin1(line), 'XFORWARD', xforwardAttributes),
  run(state, given) {
    // A filter may need several commands for it; the end of a message, and RSET, forget it all.
    state.origin = { ...state.origin, ...given }
    return formatReply(250, '2.0.0 Noted')
  },
})
