/** MAIL: begins a transaction. RFC 5321 §4.1.1.2. */
import { needsSmtpUtf8 } from '../../../mail/address.ts'
import { Refusal, status } from '../../../mail/status.ts'
import type { SmtpTransaction } from '../backend.ts'
import { afterHello, command } from '../command.ts'
import { parseMailArguments } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'
import { readMailParameters } from './mail-parameters.ts'

const accepted = formatReply(250, '2.1.0 Sender ok')
const noMore = formatReply(421, '4.7.0 Too many messages on this connection, open another')
/** RFC 6710 §4.1: the new priority, then words. */
const lowered = formatReply(250, '2.3.6 0 is the highest priority for unauthenticated clients; sender ok')

export const mail = command({
  name: 'MAIL',
  states: afterHello,
  help: 'MAIL FROM:<sender@example.org> [SIZE=n] [BODY=8BITMIME|BINARYMIME] [SMTPUTF8] [RET=…] [ENVID=…] [REQUIRETLS] [BY=…] [MT-PRIORITY=n] [HOLDFOR=n|HOLDUNTIL=time] [SOLICIT=…]',
  capability: ({ options }) => `SIZE ${options.messageBytesMax}`,
  declines(state) {
    if (state.transaction) return formatReply(503, '5.5.1 MAIL already given')
    const { policy, errorLimits } = state
    // RFC 9422 §4.1.
    if (policy.messagesMax > 0 && errorLimits.messages >= policy.messagesMax) return state.part(noMore)
    return undefined
  },
  grammar: (line, state) => readMailParameters(state, parseMailArguments(line)),
  run(state, { reversePath, parameters, isLowered }) {
    const { errorLimits, options } = state
    if (reversePath && needsSmtpUtf8(reversePath) && !parameters.smtpUtf8) {
      throw new Refusal({ code: 553, enhanced: '5.6.7', text: 'That address needs SMTPUTF8' })
    }
    if (!state.known && options.rateLimits?.message(state.peer) === false) throw new Refusal(status.tooManyMessages)
    state.smtpUtf8 = parameters.smtpUtf8
    state.binary = parameters.body === 'binarymime'
    const refused = (error: unknown): never => {
      state.reset()
      throw error
    }
    const taken = (transaction: SmtpTransaction): Uint8Array => {
      state.transaction = transaction
      state.recipients = 0
      errorLimits.messages++
      return isLowered ? lowered : accepted
    }
    let asked
    try {
      asked = state.connection.mail(state.facts, reversePath, parameters)
    } catch (error) {
      return refused(error)
    }
    return asked.then(taken, refused)
  },
})
