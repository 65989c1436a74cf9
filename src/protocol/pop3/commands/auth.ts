/** AUTH: signs a user in by a SASL mechanism. RFC 5034. */
import { decodeBase64 } from '../../sasl/mechanism.ts'
import { command } from '../command.ts'
import { err, listing, Pop3Fault } from '../reply.ts'

export const auth = command({
  name: 'AUTH',
  states: ['authorization'],
  capability({ mechanisms }) {
    return mechanisms.length > 0 ? [`SASL ${mechanisms.map(({ name }) => name).join(' ')}`] : []
  },
  grammar([name, initial, ...more]) {
    if (more.length > 0) throw new Pop3Fault(({ usage }) => usage('AUTH mechanism [initial-response]'))
    // "=" is an initial response of no bytes. RFC 5034 §4. null: it is no base64.
    const response = initial === undefined ? undefined : (decodeBase64(initial === '=' ? '' : initial) ?? null)
    return { name: name?.toUpperCase(), response }
  },
  run(state, { name, response }) {
    const { mechanisms, words } = state
    // AUTH alone lists: older than CAPA, and still asked. RFC 1734.
    if (name === undefined)
      return listing(
        words.mechanisms,
        mechanisms.map((mechanism) => mechanism.name),
      )
    if (mechanisms.length === 0) return err(words.needsTls, 'AUTH')
    const mechanism = mechanisms.find((row) => row.name === name)
    if (!mechanism) throw new Pop3Fault(({ mechanismUnknown }) => mechanismUnknown)
    if (response === null) throw new Pop3Fault(({ notBase64 }) => notBase64)
    return state.authenticate(mechanism, response)
  },
})
