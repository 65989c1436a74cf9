/** CAPA: what this server can do in the present state. RFC 2449 §5. */
import { anyState, command } from '../command.ts'
import { listing } from '../reply.ts'

/** What the session does without a verb of its own: RFC 2449 §6.6, §6.4, §6.9; RFC 3206; RFC 2449 §6.7 (mail stays for ever). */
const always = ['PIPELINING', 'RESP-CODES', 'AUTH-RESP-CODE', 'EXPIRE NEVER', 'IMPLEMENTATION Pennypost']

export const capa = command({
  name: 'CAPA',
  states: anyState,
  run(state) {
    const { loginDelaySeconds } = state.options
    const delay = loginDelaySeconds > 0 ? [`LOGIN-DELAY ${loginDelaySeconds}`] : []
    const verbs = [...state.commands.values()].flatMap(({ capability }) => capability?.(state) ?? [])
    return listing(state.words.capabilities, [...verbs, ...always, ...delay])
  },
})
