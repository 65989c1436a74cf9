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
  run(state, argument) {
    const { service } = state.options
    const verb = latin1(argument).toUpperCase()
    if (verb === '') {
      const names = commandsOf(service).flatMap(({ name, offered }) => (offered?.(state) === false ? [] : [name]))
      return formatReply(214, `2.0.0 Verbs: ${names.join(' ')}`, '2.0.0 HELP verb shows its syntax')
    }
    const command = commandNamed(verb, service)
    return command && command.offered?.(state) !== false
      ? formatReply(214, `2.0.0 ${command.help}`)
      : formatReply(504, '5.5.4 No such verb')
  },
}
