/** STLS: the rest of the conversation is encrypted. RFC 2595 §4. */
import { err, ok, type Pop3Command } from '../command.ts'

export const stls: Pop3Command = {
  name: 'STLS',
  state: 'authorization',
  capa: (state) => (state.mayStartTls ? ['STLS'] : []),
  run(state) {
    if (!state.mayStartTls) return err(state.host.tls ? 'TLS is in use already' : 'TLS is not available')
    return state.startTls(ok('Begin TLS'))
  },
}
