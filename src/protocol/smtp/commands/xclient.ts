/** XCLIENT: a trusted proxy names the client that it speaks for, and the session begins anew for that client. Postfix's XCLIENT_README. */
import { latin1 } from '../../../base/bytes.ts'
import { Refusal } from '../../../mail/status.ts'
import { anyState, command } from '../command.ts'
import { parseForwarded, xclientAttributes } from '../forwarded.ts'
import { formatReply } from '../wire/reply.ts'

export const xclient = command({
  name: 'XCLIENT',
  states: anyState,
  offered: ({ mayForward }) => mayForward,
  help: 'XCLIENT ADDR=… NAME=… PORT=… PROTO=… HELO=… LOGIN=… DESTADDR=… DESTPORT=…',
  capability: ({ mayForward }) => (mayForward ? `XCLIENT ${xclientAttributes.join(' ')}` : undefined),
  declines(state) {
    if (!state.mayForward) throw new Refusal({ code: 550, enhanced: '5.7.1', text: 'Not authorized' })
    if (state.transaction) return formatReply(503, '5.5.1 Not in the middle of a message')
    return undefined
  },
  grammar: (line) => parseForwarded(latin1(line), 'XCLIENT', xclientAttributes),
  run: (state, given) => state.speakFor(given),
})
