/** UNSUBSCRIBE. RFC 3501 §6.3.7. */
import { command, signedIn } from '../command.ts'
import { mailboxArgument } from './select.ts'

export const unsubscribe = command({
  name: 'UNSUBSCRIBE',
  states: signedIn,
  tellsExpunge: 'always',
  grammar: mailboxArgument,
  run: ({ account }, name) => account.unsubscribe(name),
})
