/** UTF8: the client understands internationalized messages. RFC 6856 §2. */
import { command } from '../command.ts'
import { err, ok, Pop3Fault } from '../reply.ts'

export const utf8 = command({
  name: 'UTF8',
  states: ['authorization'],
  // USER: names and passwords may be UTF-8, which every authenticator here takes. RFC 6856 §2.2.
  capability: () => ['UTF8 USER'],
  grammar(words) {
    if (words.length > 0) throw new Pop3Fault(({ usage }) => usage('UTF8'))
  },
  run(state) {
    if (state.utf8) return err(state.words.utf8Already)
    state.utf8 = true
    return ok(state.words.utf8On)
  },
})
