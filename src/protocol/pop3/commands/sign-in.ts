/** USER and PASS: name and password in two lines. RFC 1939 §7; only where a password may be given. */
import type { Pop3Command } from '../command.ts'
import { err, ok, Pop3Fault } from '../reply.ts'

export const user: Pop3Command = {
  name: 'USER',
  state: 'authorization',
  capa: (state) => (state.mayTellPassword ? ['USER'] : []),
  run(state, args) {
    if (!state.mayTellPassword) return err(state.words.needsTls, 'AUTH')
    if (args.length !== 1) throw new Pop3Fault((words) => words.usage('USER name'))
    state.userName = args[0]
    // The same for everybody, or it would tell who exists.
    return ok(state.words.nowPassword)
  },
}

export const pass: Pop3Command = {
  name: 'PASS',
  state: 'authorization',
  async run(state, args) {
    if (!state.mayTellPassword) return err(state.words.needsTls, 'AUTH')
    const name = state.userName
    state.userName = undefined
    if (name === undefined) throw new Pop3Fault((words) => words.userFirst)
    // A password may hold spaces. RFC 1939 §7.
    return state.signIn(await state.options.authenticator.verifyPassword(name, args.join(' '), state.host.peer))
  },
}
