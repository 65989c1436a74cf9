/** AUTH: signs a user in by a SASL mechanism. RFC 4954. */
import { latin1 } from '../../../base/bytes.ts'
import { Refusal, status } from '../../../mail/status.ts'
import { decodeBase64 } from '../../sasl/mechanism.ts'
import type { SmtpCommand } from '../command.ts'
import { SyntaxFault } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

export const auth: SmtpCommand = {
  name: 'AUTH',
  needs: 'hello',
  services: ['submission', 'submissions'],
  help: 'AUTH mechanism [initial response]',
  ehlo(state) {
    const names = state.mechanisms.map(({ name }) => name)
    return names.length > 0 && !state.user ? `AUTH ${names.join(' ')}` : undefined
  },
  run(state, argument) {
    if (state.user) return formatReply(503, '5.5.1 Already authenticated')
    // RFC 4954 §4: not inside a transaction.
    if (state.transaction) return formatReply(503, '5.5.1 Not in the middle of a message')
    if (state.mechanisms.length === 0) throw new Refusal(status.encryptionRequired)
    const [name = '', initial, ...more] = latin1(argument).split(' ')
    if (name === '' || more.length > 0) throw new SyntaxFault('AUTH mechanism [initial response]')
    const mechanism = state.mechanisms.find((row) => row.name === name.toUpperCase())
    // Also for one that waits for TLS, or for what this TLS has not. RFC 4954 §4.
    if (!mechanism) return formatReply(504, '5.5.4 Mechanism not offered')
    if (initial === undefined) return state.authenticate(mechanism, undefined)
    // "=" is an initial response of no bytes. RFC 4954 §4.
    const response = decodeBase64(initial === '=' ? '' : initial)
    return response ? state.authenticate(mechanism, response) : formatReply(501, '5.5.2 Not base64')
  },
}
