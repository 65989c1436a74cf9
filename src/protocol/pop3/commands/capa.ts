/** CAPA: what this server can do in the present state. RFC 2449 §5. */
import type { Pop3Command } from '../command.ts'
import { listing } from '../reply.ts'
import { commands } from '../commands.ts'

/** What the session does without a verb of its own: RFC 2449 §6.6, §6.4, §6.9; RFC 3206; RFC 2449 §6.7 (mail stays for ever). */
const always = ['PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE', 'EXPIRE NEVER', 'IMPLEMENTATION Pennypost']

export const capa: Pop3Command = {
  name: 'CAPA',
  state: 'any',
  run(state) {
    const { loginDelaySeconds } = state.options
    const delay = loginDelaySeconds > 0 ? [`LOGIN-DELAY ${loginDelaySeconds}`] : []
    const verbs = commands.flatMap((command) => command.capa?.(state) ?? [])
    return listing(state.words.capabilities, [...verbs, ...always, ...delay])
  },
}
