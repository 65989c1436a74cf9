/** SUBSCRIBE. RFC 3501 §6.3.6. */
import { command, signedIn } from '../command.ts'
import { mailboxArgument } from './select.ts'

export const subscribe = command({
  name: 'SUBSCRIBE',
  states: signedIn,
  tellsExpunge: 'always',
  grammar: mailboxArgument,
  run: ({ account }, name) => account.subscribe(name),
})
