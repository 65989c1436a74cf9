/** VRFY and EXPN: whether an address is one of ours, and who is behind it; only for those whom we know. RFC 5321 §3.5, §7.3; RFC 6531 §3.7.4. */
import { utf8 as decodeUtf8 } from '../../../base/bytes.ts'
import { formatMailbox, needsSmtpUtf8 } from '../../../mail/address.ts'
import type { Mailbox } from '../../../mail/envelope.ts'
import type { AddressAnswer } from '../backend.ts'
import { afterHello, command, type ServerState } from '../command.ts'
import { SyntaxFault } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

/** Members of a list that are told: a reply is no directory. */
const membersMax = 100

function mayAsk({ policy, options, known, user }: ServerState): boolean {
  if (!options.receiver.lookUp || policy.addressQueries === 'none') return false
  return policy.addressQueries === 'users' ? known : known && !user
}

interface Question {
  readonly name: string
  /** The answer may have UTF-8. RFC 6531 §3.7.4.2. */
  readonly utf8: boolean
}

function parse(line: Uint8Array, rule: string): Question {
  const text = decodeUtf8(line)
  const utf8 = / SMTPUTF8$/i.test(text)
  const name = (utf8 ? text.slice(0, -9) : text).trim().replace(/^<(.*)>$/, '$1')
  if (name === '' || name.length > 512 || /[\u0000-\u001f\u007f]/.test(name)) throw new SyntaxFault(rule)
  return { name, utf8 }
}

/** Mailboxes as lines of a reply, or why they cannot be told. */
function tell(mailboxes: readonly Mailbox[], code: number, enhanced: string, { utf8 }: Question): Uint8Array {
  if (!utf8 && mailboxes.some(needsSmtpUtf8)) return formatReply(252, '2.6.8 The answer needs SMTPUTF8')
  const shown = mailboxes.slice(0, membersMax).map((mailbox) => `${enhanced} <${formatMailbox(mailbox)}>`)
  return formatReply(code, ...shown)
}

const unknown = formatReply(550, '5.1.1 No such user here')
const elsewhere = formatReply(252, '2.1.5 Cannot verify: not a local address')
const none = formatReply(252, '2.1.5 Cannot verify, but will take a message and try')

function answer(
  question: Question,
  found: AddressAnswer,
  told: (known: AddressAnswer & { kind: 'known' }) => Uint8Array,
): Uint8Array {
  switch (found.kind) {
    case 'unknown':
      return unknown
    case 'elsewhere':
      return elsewhere
    case 'ambiguous':
      return tell(found.mailboxes, 553, '5.1.4 Ambiguous;', question)
    case 'known':
      return told(found)
  }
}

export const vrfy = command({
  name: 'VRFY',
  states: afterHello,
  help: 'VRFY user [SMTPUTF8]',
  capability: (state) => (mayAsk(state) ? 'VRFY' : undefined),
  grammar: (line) => parse(line, 'VRFY user'),
  run(state, question) {
    // Neither yes nor no: users cannot be looked up.
    if (!mayAsk(state)) return none
    return state.options.receiver.lookUp!(question.name).then((found) =>
      answer(question, found, ({ mailbox }) => tell([mailbox], 250, '2.1.5', question)),
    )
  },
})

export const expn = command({
  name: 'EXPN',
  states: afterHello,
  services: ['smtp', 'submission', 'submissions'],
  help: 'EXPN list [SMTPUTF8]',
  capability: (state) => (mayAsk(state) ? 'EXPN' : undefined),
  grammar: (line) => parse(line, 'EXPN list'),
  run(state, question) {
    if (!mayAsk(state)) return formatReply(502, '5.7.0 Lists are not expanded here')
    return state.options.receiver.lookUp!(question.name).then((found) =>
      answer(question, found, ({ mailbox, members }) => {
        const isUser = members.length === 1 && formatMailbox(members[0]!) === formatMailbox(mailbox)
        if (isUser || members.length === 0) return formatReply(550, '5.1.3 That is a user name, not a mailing list')
        return tell(members, 250, '2.1.5', question)
      }),
    )
  },
})
