/** LOGOUT. RFC 3501 §6.1.3. */
import { anyState, command } from '../command.ts'

export const logout = command({
  name: 'LOGOUT',
  states: anyState,
  tellsExpunge: 'never',
  run(conversation) {
    conversation.out.text('* BYE Logging out\r\n')
    conversation.logout()
  },
})
