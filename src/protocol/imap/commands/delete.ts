/** DELETE. RFC 3501 §6.3.4. */
import { ImapRefusal } from '../backend.ts'
import { command, signedIn } from '../command.ts'
import { mailboxArgument } from './select.ts'

export const deleteMailbox = command({
  name: 'DELETE',
  states: signedIn,
  tellsExpunge: 'always',
  grammar: mailboxArgument,
  async run(conversation, name) {
    if (name === 'INBOX') throw new ImapRefusal('CANNOT', 'INBOX cannot be deleted')
    const { account } = conversation
    // A client that deletes its selected mailbox goes on without one, instead of being disconnected.
    if (conversation.state === 'selected' && conversation.selected.name === name) conversation.unselect()
    await account.delete(name)
  },
})
