/** XFORWARD: a filter that we trust says where the next message came from, for our records alone. Postfix's XFORWARD_README. */
import { latin1 } from '../../../base/bytes.ts'
import { Refusal } from '../../../mail/status.ts'
import type { SmtpCommand } from '../command.ts'
import { parseForwarded, xforwardAttributes } from '../forwarded.ts'
import { formatReply } from '../wire/reply.ts'

export const xforward: SmtpCommand = {
  name: 'XFORWARD',
  needs: 'nothing',
  offered: ({ mayForward }) => mayForward,
  help: 'XFORWARD NAME=… ADDR=… PORT=… PROTO=… HELO=… IDENT=… SOURCE=…',
  ehlo: ({ mayForward }) => (mayForward ? `XFORWARD ${xforwardAttributes.join(' ')}` : undefined),
  run(state, argument) {
    if (!state.mayForward) throw new Refusal({ code: 550, enhanced: '5.7.1', text: 'Not authorized' })
    if (state.transaction) return formatReply(503, '5.5.1 Not in the middle of a message')
    // A filter may need several commands for it; the end of a message, and RSET, forget it all.
    state.origin = { ...state.origin, ...parseForwarded(latin1(argument), 'XFORWARD', xforwardAttributes) }
    return formatReply(250, '2.0.0 Noted')
  },
}
