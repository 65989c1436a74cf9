/** HELP: the verbs, or one of them. RFC 5321 §4.1.1.8. */
import { latin1 } from '../../../base/bytes.ts'
import type { SmtpCommand } from '../command.ts'
import { commandNamed, commandsOf } from '../commands.ts'
import { formatReply } from '../wire/reply.ts'

export const help: SmtpCommand = {
  name: 'HELP',
  needs: 'nothing',
  ehlo: () => 'HELP',
  help: 'HELP [verb]',
  run({ options }, argument) {
    const verb = latin1(argument).toUpperCase()
    if (verb === '') {
      const names = commandsOf(options.service).map(({ name }) => name)
      return formatReply(214, `2.0.0 Verbs: ${names.join(' ')}`, '2.0.0 HELP verb tells how it is written')
    }
    const command = commandNamed(verb, options.service)
    return command ? formatReply(214, `2.0.0 ${command.help}`) : formatReply(504, '5.5.4 No such verb')
  },
}
