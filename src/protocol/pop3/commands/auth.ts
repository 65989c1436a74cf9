/** AUTH: signs a user in by a SASL mechanism. RFC 5034. */
import { err, listing, Pop3Fault, type Pop3Command } from '../command.ts'

export const auth: Pop3Command = {
  name: 'AUTH',
  state: 'authorization',
  capa(state) {
    const names = state.options.mechanisms.map(({ name }) => name)
    return state.mayAuthenticate && names.length > 0 ? [`SASL ${names.join(' ')}`] : []
  },
  run(state, args) {
    const { mechanisms } = state.options
    // AUTH alone lists: older than CAPA, and still asked. RFC 1734.
    if (args.length === 0)
      return listing(state.words.mechanisms, state.mayAuthenticate ? mechanisms.map(({ name }) => name) : [])
    if (args.length > 2) throw new Pop3Fault((words) => words.usage('AUTH mechanism [initial-response]'))
    if (!state.mayAuthenticate) return err(state.words.needsTls, 'AUTH')
    const mechanism = mechanisms.find(({ name }) => name === args[0]!.toUpperCase())
    if (!mechanism) throw new Pop3Fault((words) => words.mechanismUnknown)
    const [, initial] = args
    if (initial === undefined) return state.authenticate(mechanism, undefined)
    if (initial !== '=' && !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(initial)) {
      throw new Pop3Fault((words) => words.notBase64)
    }
    return state.authenticate(mechanism, Buffer.from(initial === '=' ? '' : initial, 'base64'))
  },
}
