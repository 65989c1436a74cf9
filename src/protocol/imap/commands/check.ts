/** CHECK: a checkpoint of the mailbox. Every change here is on disk when it is answered, so it is a NOOP. RFC 3501 §6.4.1. */
import { command } from '../command.ts'

export const check = command({
  name: 'CHECK',
  states: ['selected'],
  tellsExpunge: 'always',
  /** Not only the news that has come: what another session was promised before. */
  run: ({ selected }) => selected.upToDate?.(),
})
