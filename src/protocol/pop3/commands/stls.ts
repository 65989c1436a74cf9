/** STLS: the rest of the conversation is encrypted. RFC 2595 §4. */
import { command } from '../command.ts'
import { err, ok, Pop3Fault } from '../reply.ts'

export const stls = command({
  name: 'STLS',
  states: ['authorization'],
  capability: (state) => (state.mayStartTls ? ['STLS'] : []),
  run(state) {
    // RFC 6856 §2.1: a client must not.
    if (state.utf8) throw new Pop3Fault((words) => words.utf8Already)
    if (!state.mayStartTls) return err(state.host.tls ? state.words.tlsInUse : state.words.tlsMissing)
    return state.startTls(ok(state.words.beginTls))
  },
})
