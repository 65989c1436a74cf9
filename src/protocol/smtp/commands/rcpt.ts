/** RCPT: one recipient. RFC 5321 §4.1.1.3; NOTIFY and ORCPT RFC 3461 §4.1, §4.2. */
import { needsSmtpUtf8 } from '../../../mail/address.ts'
import { Refusal, status } from '../../../mail/status.ts'
import type { RecipientDsn } from '../../../mail/envelope.ts'
import { command, type ServerState } from '../command.ts'
import { decodeXtext, parseRcptArguments, SyntaxFault, type Parameter } from '../wire/arguments.ts'
import { isWithheld } from '../promises.ts'
import { formatReply } from '../wire/reply.ts'
import { unknownParameter } from './mail-parameters.ts'

const accepted = formatReply(250, '2.1.5 Recipient ok')

type Draft = { -readonly [K in keyof RecipientDsn]: RecipientDsn[K] }

function parseDsn(state: ServerState, given: readonly Parameter[]): Draft {
  const draft: Draft = {}
  for (const { keyword, value } of given) {
    if (!state.extended || isWithheld(state.options.withheld, keyword)) throw unknownParameter(keyword)
    if (keyword === 'NOTIFY' && draft.notify === undefined) draft.notify = parseNotify(value)
    else if (keyword === 'ORCPT' && draft.originalRecipient === undefined) draft.originalRecipient = parseOrcpt(value)
    else if (keyword === 'NOTIFY' || keyword === 'ORCPT') throw new SyntaxFault(`${keyword} once`)
    else throw unknownParameter(keyword)
  }
  return draft
}

/** RFC 3461 §4.1: NEVER stands alone. */
function parseNotify(value: string | undefined): Draft['notify'] {
  const words = (value ?? '').toLowerCase().split(',')
  const list = words.filter((word) => word === 'success' || word === 'failure' || word === 'delay')
  if (words.length === 1 && words[0] === 'never') return ['never']
  if (list.length !== words.length || new Set(list).size !== list.length)
    throw new SyntaxFault('NOTIFY=NEVER, or a list of SUCCESS, FAILURE and DELAY')
  return list
}

/** RFC 3461 §4.2: at most 500 characters; utf-8 addresses by RFC 6533 §3, whose own escapes stay as they are. */
function parseOrcpt(value: string | undefined): string {
  const semicolon = value?.indexOf(';') ?? -1
  const type = value?.slice(0, semicolon).toLowerCase()
  if (value === undefined || value.length > 500 || type === undefined || !/^[a-z0-9][a-z0-9-]*$/.test(type))
    throw new SyntaxFault('ORCPT=rfc822;address in xtext')
  const text = value.slice(semicolon + 1)
  const address = type === 'utf-8' ? Buffer.from(text, 'latin1').toString('utf8') : decodeXtext(text)
  if (address === undefined || address === '' || /[\u0000-\u001f\u007f]/.test(address))
    throw new SyntaxFault('ORCPT=rfc822;address in xtext')
  return `${type};${address}`
}

export const rcpt = command({
  name: 'RCPT',
  states: ['transaction', 'recipients'],
  help: 'RCPT TO:<recipient@example.org> [NOTIFY=…] [ORCPT=…]',
  // RFC 3030 §2: all of them before the first octet.
  declines: ({ chunking }) => (chunking ? formatReply(503, '5.5.1 Continue with BDAT') : undefined),
  grammar(line, state) {
    const { mailbox, parameters } = parseRcptArguments(line)
    return { mailbox, dsn: parseDsn(state, parameters) }
  },
  run(state, { mailbox, dsn }) {
    if (state.recipients >= state.policy.recipientsMax) {
      throw new Refusal(status.tooManyRecipients)
    }
    if (needsSmtpUtf8(mailbox) && !state.smtpUtf8) {
      throw new Refusal({ code: 553, enhanced: '5.6.7', text: 'That address needs SMTPUTF8' })
    }
    const rateLimits = state.known ? undefined : state.options.rateLimits
    // Who collects addresses is told the same of all of them.
    if (rateLimits?.guesses(state.peer) || rateLimits?.recipient(state.peer) === false)
      throw new Refusal(status.tooManyRecipientsOfLate)
    return state.transaction!.recipient(mailbox, dsn).then(
      () => {
        state.recipients++
        return accepted
      },
      (error) => {
        if (error instanceof Refusal && error.status.enhanced === status.mailboxUnknown.enhanced)
          rateLimits?.guessed(state.peer)
        throw error
      },
    )
  },
})
