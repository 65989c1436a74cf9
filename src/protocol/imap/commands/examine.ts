/** EXAMINE: SELECT that changes nothing, not even \Recent. RFC 3501 §6.3.2. */
import { command, signedIn } from '../command.ts'
import { mailboxArgument, open } from './select.ts'

export const examine = command({
  name: 'EXAMINE',
  states: signedIn,
  tellsExpunge: 'never',
  grammar: mailboxArgument,
  run: (conversation, name) => open(conversation, name, true),
})
