/** MAIL: begins a transaction. RFC 5321 §4.1.1.2; SIZE RFC 1870, BODY RFC 6152 and RFC 3030, SMTPUTF8 RFC 6531, AUTH RFC 4954 §5, RET and ENVID RFC 3461. */
import { needsSmtpUtf8 } from '../../../mail/address.ts'
import { Refusal, status } from '../../../mail/status.ts'
import type { MailParameters, SmtpTransaction } from '../backend.ts'
import type { SmtpCommand } from '../command.ts'
import type { ServerState } from '../state.ts'
import { decodeXtext, parseMailArguments, SyntaxFault, type Parameter } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

type Draft = { -readonly [K in keyof MailParameters]: MailParameters[K] }

/** One row a parameter: what its value may be, and what it says. */
const parameters: Readonly<Record<string, (draft: Draft, value: string | undefined, state: ServerState) => void>> = {
  SIZE(draft, value, state) {
    if (value === undefined || !/^\d{1,20}$/.test(value)) throw new SyntaxFault('SIZE=number')
    draft.sizeBytes = Number(value)
    if (draft.sizeBytes > state.options.messageBytesMax) throw new Refusal(status.messageTooLarge)
  },
  BODY(draft, value) {
    const body = value?.toLowerCase()
    if (body !== '7bit' && body !== '8bitmime' && body !== 'binarymime')
      throw new SyntaxFault('BODY=7BIT, BODY=8BITMIME or BODY=BINARYMIME')
    draft.body = body
  },
  SMTPUTF8(draft, value) {
    if (value !== undefined) throw new SyntaxFault('SMTPUTF8 without a value')
    draft.smtpUtf8 = true
  },
  RET(draft, value) {
    const ret = value?.toLowerCase()
    if (ret !== 'full' && ret !== 'hdrs') throw new SyntaxFault('RET=FULL or RET=HDRS')
    draft.ret = ret
  },
  ENVID(draft, value) {
    // RFC 3461 §4.4: at most 100 characters, printable ones once decoded.
    const id = value === undefined || value.length > 100 ? undefined : decodeXtext(value)
    if (id === undefined || !/^[\x20-\x7e]+$/.test(id)) throw new SyntaxFault('ENVID=xtext of at most 100 characters')
    draft.envelopeId = id
  },
  AUTH(draft, value, state) {
    // RFC 4954 §5: it belongs to the extension, which not every service has.
    if (state.mechanisms.length === 0) throw unknownParameter('AUTH')
    const mailbox = value === undefined ? undefined : decodeXtext(value)
    if (mailbox === undefined) throw new SyntaxFault('AUTH=mailbox in xtext')
    draft.auth = mailbox === '<>' ? null : mailbox
  },
}

/** RFC 5321 §4.1.1.11: a parameter that was not offered is 555. */
export function unknownParameter(name: string): Refusal {
  return new Refusal({ code: 555, enhanced: '5.5.4', text: `${name} is not offered here` })
}

function parse(state: ServerState, given: readonly Parameter[]): Draft {
  const draft: Draft = { body: '7bit', smtpUtf8: false }
  const seen = new Set<string>()
  for (const { keyword, value } of given) {
    const row = parameters[keyword]
    if (!row || !state.extended) throw unknownParameter(keyword)
    if (seen.has(keyword)) throw new SyntaxFault(`${keyword} once`)
    seen.add(keyword)
    row(draft, value, state)
  }
  return draft
}

export const mail: SmtpCommand = {
  name: 'MAIL',
  needs: 'hello',
  help: 'MAIL FROM:<sender@example.org> [SIZE=n] [BODY=8BITMIME] [SMTPUTF8]',
  ehlo: ({ options }) => `SIZE ${options.messageBytesMax}`,
  run(state, argument) {
    if (state.transaction) return formatReply(503, '5.5.1 MAIL was given already')
    const { reversePath, parameters: given } = parseMailArguments(argument)
    const parsed = parse(state, given)
    if (reversePath && needsSmtpUtf8(reversePath) && !parsed.smtpUtf8) {
      throw new Refusal({ code: 553, enhanced: '5.6.7', text: 'That address needs SMTPUTF8' })
    }
    state.smtpUtf8 = parsed.smtpUtf8
    state.binary = parsed.body === 'binarymime'
    const began = (transaction: SmtpTransaction): Uint8Array => {
      state.transaction = transaction
      state.recipients = 0
      return formatReply(250, '2.1.0 Sender ok')
    }
    try {
      const transaction = state.options.receiver.mail(state.facts, reversePath, parsed)
      if (!('then' in transaction)) return began(transaction)
      return transaction.then(began, (error) => {
        state.reset()
        throw error
      })
    } catch (error) {
      state.reset()
      throw error
    }
  },
}
