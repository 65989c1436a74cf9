/** STARTTLS: the rest of the conversation is encrypted, and begins anew. RFC 3207. */
import { afterHello, command } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

export const starttls = command({
  name: 'STARTTLS',
  states: afterHello,
  help: 'STARTTLS',
  capability: (state) => (state.mayStartTls ? 'STARTTLS' : undefined),
  grammar: (line) => line.length === 0,
  run(state, isBare) {
    if (!isBare) return formatReply(501, '5.5.4 STARTTLS takes no argument')
    if (state.host.tls) return formatReply(503, '5.5.1 TLS is already active')
    if (!state.mayStartTls) return formatReply(454, '4.7.0 TLS is not available')
    return state.startTls()
  },
})
