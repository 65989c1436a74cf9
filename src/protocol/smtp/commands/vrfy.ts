/** VRFY: neither yes nor no, so that nobody can ask us for our users. RFC 5321 §3.5.3, §7.3. */
import type { SmtpCommand } from '../command.ts'
import { SyntaxFault } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

export const vrfy: SmtpCommand = {
  name: 'VRFY',
  needs: 'hello',
  help: 'VRFY user',
  run(_state, argument) {
    if (argument.length === 0) throw new SyntaxFault('VRFY user')
    return formatReply(252, '2.1.5 Cannot verify, but will take a message and try')
  },
}
