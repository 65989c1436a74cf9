/** AUTH: signs a user in by a SASL mechanism. RFC 4954. */
import { latin1 } from '../../../base/bytes.ts'
import { Refusal, status } from '../../../mail/status.ts'
import { decodeBase64 } from '../../sasl/mechanism.ts'
import { afterHello, command } from '../command.ts'
import { SyntaxFault } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

export const auth = command({
  name: 'AUTH',
  states: afterHello,
  services: ['submission', 'submissions'],
  help: 'AUTH mechanism [initial response]',
  capability(state) {
    const names = state.mechanisms.map(({ name }) => name)
    return names.length > 0 && !state.user ? `AUTH ${names.join(' ')}` : undefined
  },
  declines(state) {
    if (state.user) return formatReply(503, '5.5.1 Already authenticated')
    // RFC 4954 §4: not inside a transaction.
    if (state.transaction) return formatReply(503, '5.5.1 Not in the middle of a message')
    if (state.mechanisms.length === 0) throw new Refusal(status.encryptionRequired)
    return undefined
  },
  grammar(line) {
    const [name = '', initial, ...more] = latin1(line).split(' ')
    if (name === '' || more.length > 0) throw new SyntaxFault('AUTH mechanism [initial response]')
    // "=" is an initial response of no bytes. RFC 4954 §4. null: it is no base64.
    const response = initial === undefined ? undefined : (decodeBase64(initial === '=' ? '' : initial) ?? null)
    return { name: name.toUpperCase(), response }
  },
  run(state, { name, response }) {
    const mechanism = state.mechanisms.find((row) => row.name === name)
    // Also for one that waits for TLS, or for what this TLS has not. RFC 4954 §4.
    if (!mechanism) return formatReply(504, '5.5.4 Mechanism not offered')
    return response === null ? formatReply(501, '5.5.2 Not base64') : state.authenticate(mechanism, response)
  },
})
