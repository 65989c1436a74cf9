/** HELP: the verbs, or one of them. RFC 5321 §4.1.1.8. */
import { latin1 } from '../../../base/bytes.ts'
import { anyState, command } from '../command.ts'
import { formatReply } from '../wire/reply.ts'

export const help = command({
  name: 'HELP',
  states: anyState,
  capability: () => 'HELP',
  help: 'HELP [verb]',
  grammar: (line) => latin1(line).toUpperCase(),
  run(state, verb) {
    if (verb === '') {
      const names = [...state.commands.values()].flatMap((row) => (row.offered?.(state) === false ? [] : [row.name]))
      return formatReply(214, `2.0.0 Verbs: ${names.join(' ')}`, '2.0.0 HELP verb shows its syntax')
    }
    const row = state.commands.get(verb)
    return row && row.offered?.(state) !== false
      ? formatReply(214, `2.0.0 ${row.help}`)
      : formatReply(504, '5.5.4 No such verb')
  },
})
