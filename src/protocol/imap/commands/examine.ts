/** EXAMINE: SELECT that changes nothing, not even \Recent. RFC 3501 §6.3.2. */
import { command, signedIn } from '../command.ts'
import { open, selectArguments } from './select.ts'

export const examine = command({
  name: 'EXAMINE',
  states: signedIn,
  tellsExpunge: 'never',
  grammar: selectArguments,
  run: (conversation, { name, aware }) => open(conversation, name, true, aware),
})
