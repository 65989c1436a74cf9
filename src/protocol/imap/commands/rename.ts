/** RENAME: children move along; of INBOX the messages. RFC 3501 §6.3.5. */
import { ImapRefusal } from '../backend.ts'
import { command, signedIn } from '../command.ts'

export const rename = command({
  name: 'RENAME',
  states: signedIn,
  tellsExpunge: 'always',
  grammar(line) {
    line.space()
    const from = line.mailbox()
    line.space()
    return { from, to: line.mailboxToCreate() }
  },
  async run({ account }, { from, to }) {
    if (to === 'INBOX') throw new ImapRefusal('ALREADYEXISTS', 'INBOX always exists')
    if (to.startsWith(`${from}/`)) throw new ImapRefusal('CANNOT', 'A mailbox cannot move into itself')
    await account.rename(from, to)
  },
})
