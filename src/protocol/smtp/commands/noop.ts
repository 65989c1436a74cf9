/** NOOP: nothing, politely. RFC 5321 §4.1.1.9. */
import type { SmtpCommand } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

const ok = formatReply(250, '2.0.0 Ok')

export const noop: SmtpCommand = { name: 'NOOP', needs: 'nothing', help: 'NOOP', run: () => ok }
