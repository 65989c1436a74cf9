/** USER and PASS: name and password in two lines. RFC 1939 §7; only where a password may be given. */
import { command } from '../command.ts'
import { err, ok, Pop3Fault } from '../reply.ts'

export const user = command({
  name: 'USER',
  states: ['authorization'],
  capability: (state) => (state.mayTellPassword ? ['USER'] : []),
  grammar: (words) => (words.length === 1 ? words[0] : undefined),
  run(state, name) {
    if (!state.mayTellPassword) return err(state.words.needsTls, 'AUTH')
    if (name === undefined) throw new Pop3Fault((words) => words.usage('USER name'))
    state.userName = name
    // The same for all names, or it would tell which accounts exist.
    return ok(state.words.nowPassword)
  },
})

export const pass = command({
  name: 'PASS',
  states: ['authorization'],
  // A password may hold spaces. RFC 1939 §7.
  grammar: (words) => words.join(' '),
  async run(state, password) {
    if (!state.mayTellPassword) return err(state.words.needsTls, 'AUTH')
    const name = state.userName
    state.userName = undefined
    if (name === undefined) throw new Pop3Fault((words) => words.userFirst)
    return state.signIn(await state.options.authenticator.verifyPassword(name, password, state.host.peer))
  },
})
