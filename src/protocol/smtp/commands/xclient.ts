/** XCLIENT: a proxy that we trust says whom it speaks for, and the session begins anew for him. Postfix's XCLIENT_README. */
import { latin1 } from '../../../base/bytes.ts'
import { Refusal } from '../../../mail/status.ts'
import type { SmtpCommand } from '../command.ts'
import { parseForwarded, xclientAttributes } from '../forwarded.ts'
import { formatReply } from '../wire/reply.ts'

export const xclient: SmtpCommand = {
  name: 'XCLIENT',
  needs: 'nothing',
  offered: ({ mayForward }) => mayForward,
  help: 'XCLIENT ADDR=… NAME=… PORT=… PROTO=… HELO=… LOGIN=… DESTADDR=… DESTPORT=…',
  ehlo: ({ mayForward }) => (mayForward ? `XCLIENT ${xclientAttributes.join(' ')}` : undefined),
  run(state, argument) {
    if (!state.mayForward) throw new Refusal({ code: 550, enhanced: '5.7.1', text: 'Not authorized' })
    if (state.transaction) return formatReply(503, '5.5.1 Not in the middle of a message')
    return state.speakFor(parseForwarded(latin1(argument), 'XCLIENT', xclientAttributes))
  },
}
