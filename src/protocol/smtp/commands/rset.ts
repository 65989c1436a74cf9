/** RSET: forgets the transaction. RFC 5321 §4.1.1.5. */
import type { SmtpCommand } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

export const rset: SmtpCommand = {
  name: 'RSET',
  needs: 'nothing',
  help: 'RSET',
  run(state) {
    state.reset()
    return formatReply(250, '2.0.0 Ok')
  },
}
