/** EHLO, HELO and LHLO: who is there, and what each side can do. RFC 5321 §4.1.1.1, RFC 2033 §4.1. */
import { latin1 } from '../../../base/bytes.ts'
import { anyState, command, type Answer, type ServerState } from '../command.ts'
import { extensions } from '../extensions.ts'
import { isWithheld } from '../promises.ts'
import { SyntaxFault } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

/** RFC 5321 §4.5.3.1.2. What is no domain at all is taken too: printers say what they like; it is only written down. */
const heloBytesMax = 255

function hostName(line: Uint8Array): string {
  const name = latin1(line)
  if (name === '' || name.length > heloBytesMax || /[^!-~\u0080-\u00ff]/.test(name))
    throw new SyntaxFault('your host name')
  return name
}

/** @param words what is said if the receiver has nothing against it. */
function begin(state: ServerState, name: string, extended: boolean, words: () => Uint8Array): Answer {
  const { helo, extended: wasExtended } = state
  const accepted = (): Uint8Array => {
    // RFC 5321 §4.1.4: EHLO in the middle resets like RSET.
    state.reset()
    return words()
  }
  // RFC 5321 §4.1.1.1: a refused one changes nothing.
  const refused = (error: unknown): never => {
    state.helo = helo
    state.extended = wasExtended
    throw error
  }
  state.helo = name
  state.extended = extended
  let asked
  try {
    asked = state.connection.hello?.(state.facts)
  } catch (error) {
    refused(error)
  }
  return asked ? asked.then(accepted, refused) : accepted()
}

/** Derived from the tables, so that what is offered and what is done cannot differ. */
function keywords(state: ServerState): string[] {
  const offered = [
    ...extensions.map((extension) => extension(state)),
    ...Array.from(state.commands.values(), ({ capability }) => capability?.(state)),
  ]
  return offered.filter(
    (keyword) => keyword !== undefined && !isWithheld(state.options.withheld, keyword.split(' ', 1)[0]!),
  ) as string[]
}

function greet(state: ServerState, name: string): Answer {
  return begin(state, name, true, () =>
    formatReply(250, `${state.options.hostname} greets ${name}`, ...keywords(state)),
  )
}

export const ehlo = command({
  name: 'EHLO',
  states: anyState,
  services: ['smtp', 'submission', 'submissions'],
  help: 'EHLO your.host.name',
  grammar: hostName,
  run: greet,
})

export const lhlo = command({
  name: 'LHLO',
  states: anyState,
  services: ['lmtp'],
  help: 'LHLO your.host.name',
  grammar: hostName,
  run: greet,
})

export const helo = command({
  name: 'HELO',
  states: anyState,
  services: ['smtp', 'submission', 'submissions'],
  help: 'HELO your.host.name',
  grammar: hostName,
  run: (state, name) => begin(state, name, false, () => formatReply(250, state.options.hostname)),
})
