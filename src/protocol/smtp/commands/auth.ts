/** AUTH: signs a user in by a SASL mechanism. RFC 4954. */
import { latin1 } from '../../../base/bytes.ts'
import { Refusal, status } from '../../../mail/status.ts'
import type { SmtpCommand } from '../command.ts'
import { SyntaxFault } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

export const auth: SmtpCommand = {
  name: 'AUTH',
  needs: 'hello',
  services: ['submission', 'submissions'],
  help: 'AUTH mechanism [initial response]',
  ehlo(state) {
    const names = state.options.mechanisms.filter(() => state.mayAuthenticate).map(({ name }) => name)
    return names.length > 0 ? `AUTH ${names.join(' ')}` : undefined
  },
  run(state, argument) {
    if (state.user) return formatReply(503, '5.5.1 You have signed in already')
    // RFC 4954 §4: not inside a transaction.
    if (state.transaction) return formatReply(503, '5.5.1 Not in the middle of a message')
    if (!state.mayAuthenticate) throw new Refusal(status.encryptionRequired)
    const [name = '', initial, ...more] = latin1(argument).split(' ')
    if (name === '' || more.length > 0) throw new SyntaxFault('AUTH mechanism [initial response]')
    const mechanism = state.options.mechanisms.find((row) => row.name === name.toUpperCase())
    if (!mechanism) return formatReply(504, '5.5.4 Mechanism not offered')
    if (initial === undefined) return state.authenticate(mechanism, undefined)
    // "=" is an initial response of no bytes. RFC 4954 §4.
    if (initial !== '=' && !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(initial)) {
      return formatReply(501, '5.5.2 Not base64')
    }
    return state.authenticate(mechanism, Buffer.from(initial === '=' ? '' : initial, 'base64'))
  },
}
