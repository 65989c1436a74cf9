/** AUTH: signs a user in by a SASL mechanism. RFC 5034. */
import { decodeBase64 } from '../../sasl/mechanism.ts'
import type { Pop3Command } from '../command.ts'
import { err, listing, Pop3Fault } from '../reply.ts'

export const auth: Pop3Command = {
  name: 'AUTH',
  state: 'authorization',
  capa({ mechanisms }) {
    return mechanisms.length > 0 ? [`SASL ${mechanisms.map(({ name }) => name).join(' ')}`] : []
  },
  run(state, args) {
    const { mechanisms, words } = state
    // AUTH alone lists: older than CAPA, and still asked. RFC 1734.
    if (args.length === 0)
      return listing(
        words.mechanisms,
        mechanisms.map(({ name }) => name),
      )
    if (args.length > 2) throw new Pop3Fault(({ usage }) => usage('AUTH mechanism [initial-response]'))
    if (mechanisms.length === 0) return err(words.needsTls, 'AUTH')
    const mechanism = mechanisms.find(({ name }) => name === args[0]!.toUpperCase())
    if (!mechanism) throw new Pop3Fault(({ mechanismUnknown }) => mechanismUnknown)
    const [, initial] = args
    if (initial === undefined) return state.authenticate(mechanism, undefined)
    const response = decodeBase64(initial === '=' ? '' : initial)
    if (!response) throw new Pop3Fault(({ notBase64 }) => notBase64)
    return state.authenticate(mechanism, response)
  },
}
