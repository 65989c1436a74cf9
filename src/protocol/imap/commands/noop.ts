/** NOOP: nothing but the news. RFC 3501 §6.1.2. */
import { anyState, command } from '../command.ts'

export const noop = command({
  name: 'NOOP',
  states: anyState,
  tellsExpunge: 'always',
  /** Not only the news that has come: what another session was promised before. */
  run: (conversation) => (conversation.state === 'selected' ? conversation.selected.upToDate?.() : undefined),
})
