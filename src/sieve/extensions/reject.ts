/** The extensions `reject` and `ereject`. RFC 5429. How the message is refused is the host's to choose. */
import { action, type ActionDeclaration, type Extension } from '../declare.ts'

const refusing = (command: 'reject' | 'ereject'): ActionDeclaration =>
  action({
    name: command,
    parameters: { reason: 'text' },
    compile:
      ({ line, values: { reason } }) =>
      (run) =>
        run.add({ kind: 'reject', line, command, reason: run.text(reason) }),
  })

export const reject: Extension = { capabilities: ['reject'], actions: [refusing('reject')] }
export const ereject: Extension = { capabilities: ['ereject'], actions: [refusing('ereject')] }
