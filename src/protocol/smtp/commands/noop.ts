/** NOOP: nothing, politely. RFC 5321 §4.1.1.9. */
import { anyState, command } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

const ok = formatReply(250, '2.0.0 Ok')

export const noop = command({ name: 'NOOP', states: anyState, help: 'NOOP', run: () => ok })
