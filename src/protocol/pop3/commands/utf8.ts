/** UTF8: the client understands internationalized messages. RFC 6856 §2. */
import type { Pop3Command } from '../command.ts'
import { err, ok, Pop3Fault } from '../reply.ts'

export const utf8: Pop3Command = {
  name: 'UTF8',
  state: 'authorization',
  // USER: names and passwords may be UTF-8, which every authenticator here takes. RFC 6856 §2.2.
  capa: () => ['UTF8 USER'],
  run(state, args) {
    if (args.length > 0) throw new Pop3Fault((words) => words.usage('UTF8'))
    if (state.utf8) return err(state.words.utf8Already)
    state.utf8 = true
    return ok(state.words.utf8On)
  },
}
