/** DATA: the message itself. RFC 5321 §4.1.1.4. */
import { command } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

export const data = command({
  name: 'DATA',
  states: ['recipients'],
  help: 'DATA, then the message, then a line with one dot',
  grammar: (line) => line.length === 0,
  run(state, isBare) {
    if (!isBare) return formatReply(501, '5.5.4 DATA takes no argument')
    // RFC 3030 §2, §3: never mixed with BDAT, and never for bytes that are no lines.
    if (state.chunking || state.binary) return formatReply(503, '5.5.1 Continue with BDAT')
    const asked = state.transaction!.ready?.()
    return asked ? asked.then(() => state.takeData()) : state.takeData()
  },
})
