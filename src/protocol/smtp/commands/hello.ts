/** EHLO, HELO and LHLO: who is there, and what each side can do. RFC 5321 §4.1.1.1, RFC 2033 §4.1. */
import { latin1 } from '../../../base/bytes.ts'
import type { SmtpCommand } from '../command.ts'
import { commandsOf } from '../commands.ts'
import { extensions } from '../extensions.ts'
import { isWithheld } from '../promises.ts'
import type { ServerState } from '../state.ts'
import { SyntaxFault } from '../wire/arguments.ts'
import { formatReply } from '../wire/reply.ts'

/** RFC 5321 §4.5.3.1.2. What is no domain at all is taken too: printers say what they like; it is only written down. */
const heloBytesMax = 255

function take(state: ServerState, argument: Buffer, extended: boolean): void {
  const name = latin1(argument)
  if (name === '' || name.length > heloBytesMax || /[^!-~\u0080-\u00ff]/.test(name))
    throw new SyntaxFault('your host name')
  // RFC 5321 §4.1.4: EHLO in the middle resets like RSET.
  state.reset()
  state.helo = name
  state.extended = extended
}

/** Derived from the tables, so that what is offered and what is done cannot differ. */
function keywords(state: ServerState): string[] {
  const offered = [
    ...extensions.map((extension) => extension(state)),
    ...commandsOf(state.options.service).map((command) => command.ehlo?.(state)),
  ]
  return offered.filter(
    (keyword) => keyword !== undefined && !isWithheld(state.options.withheld, keyword.split(' ', 1)[0]!),
  ) as string[]
}

function greet(state: ServerState, argument: Buffer): Uint8Array {
  take(state, argument, true)
  return formatReply(250, `${state.options.hostname} greets ${state.helo}`, ...keywords(state))
}

export const ehlo: SmtpCommand = {
  name: 'EHLO',
  needs: 'nothing',
  services: ['smtp', 'submission', 'submissions'],
  help: 'EHLO your.host.name',
  run: greet,
}

export const lhlo: SmtpCommand = {
  name: 'LHLO',
  needs: 'nothing',
  services: ['lmtp'],
  help: 'LHLO your.host.name',
  run: greet,
}

export const helo: SmtpCommand = {
  name: 'HELO',
  needs: 'nothing',
  services: ['smtp', 'submission', 'submissions'],
  help: 'HELO your.host.name',
  run(state, argument) {
    take(state, argument, false)
    return formatReply(250, state.options.hostname)
  },
}
