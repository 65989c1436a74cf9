/** ETRN: what waits for a host that is there now is tried at once, by a connection of our own. RFC 1985. */
import { latin1 } from '../../../base/bytes.ts'
import { parseDomain } from '../../../mail/address.ts'
import { Refusal } from '../../../mail/status.ts'
import type { WaitingFor } from '../backend.ts'
import { afterHello, command } from '../command.ts'
import { SyntaxFault } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

/** RFC 1985 §5, §5.3: `@` means the domain and all below it, `#` a queue by its own name. */
function parseNode(text: string): WaitingFor {
  const option = text[0] === '@' || text[0] === '#' ? text[0] : ''
  const name = text.slice(option.length)
  if (option === '#' && /^[!-~]{1,255}$/.test(name)) return { kind: 'queue', name: name.toLowerCase() }
  const domain = option === '#' ? undefined : parseDomain(name)
  // A name without a dot is an alias at best, and no node that mail is kept for.
  if (domain === undefined || !domain.includes('.')) throw new SyntaxFault('ETRN domain, ETRN @domain or ETRN #queue')
  return { kind: option === '@' ? 'below' : 'domain', name: domain }
}

export const etrn = command({
  name: 'ETRN',
  states: afterHello,
  services: ['smtp', 'submission', 'submissions'],
  help: 'ETRN domain',
  capability: ({ options }) => (options.receiver.flush ? 'ETRN' : undefined),
  declines({ options, transaction }) {
    if (!options.receiver.flush) return formatReply(502, '5.5.1 Not offered here')
    return transaction ? formatReply(503, '5.5.1 Not in the middle of a message') : undefined
  },
  grammar(line) {
    const text = latin1(line)
    return { text, node: parseNode(text) }
  },
  run(state, { text, node }) {
    // Unauthenticated clients must not make us connect.
    if (!state.known)
      throw new Refusal({ code: 459, enhanced: '4.7.1', text: `Node ${text} not allowed: sign in first` })
    return state.options.receiver.flush!(node).then((count) =>
      count === 0
        ? formatReply(251, `2.0.0 OK, no messages waiting for node ${text}`)
        : formatReply(253, `2.0.0 OK, ${count} pending messages for node ${text} started`),
    )
  },
})
