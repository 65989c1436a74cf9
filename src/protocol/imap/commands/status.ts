/** STATUS. RFC 3501 §6.3.10. */
import { command, signedIn } from '../command.ts'
import { statusItems, tellStatus } from '../status.ts'

export const status = command({
  name: 'STATUS',
  states: signedIn,
  tellsExpunge: 'always',
  grammar(line) {
    line.space()
    const name = line.mailbox()
    line.space()
    return { name, items: statusItems(line) }
  },
  run: (conversation, { name, items }) => tellStatus(conversation, name, items),
})
