/** RCPT: one recipient. RFC 5321 §4.1.1.3. */
import { needsSmtpUtf8 } from '../../../mail/address.ts'
import { Refusal, status } from '../../../mail/status.ts'
import type { SmtpCommand } from '../command.ts'
import * as limits from '../limits.ts'
import { parseRcptArguments } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'
import { unknownParameter } from './mail.ts'

const accepted = formatReply(250, '2.1.5 Recipient ok')

export const rcpt: SmtpCommand = {
  name: 'RCPT',
  needs: 'transaction',
  help: 'RCPT TO:<recipient@example.org>',
  run(state, argument) {
    const { mailbox, parameters } = parseRcptArguments(argument)
    const [unknown] = parameters
    if (unknown) throw unknownParameter(unknown.keyword)
    if (state.recipients >= (state.options.recipientsMax ?? limits.recipientsMaxDefault)) {
      throw new Refusal(status.tooManyRecipients)
    }
    if (needsSmtpUtf8(mailbox) && !state.smtpUtf8) {
      throw new Refusal({ code: 553, enhanced: '5.6.7', text: 'That address needs SMTPUTF8' })
    }
    const taken = (): Uint8Array => {
      state.recipients++
      return accepted
    }
    const work = state.transaction!.recipient(mailbox, {})
    return work ? work.then(taken) : taken()
  },
}
