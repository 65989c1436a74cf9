/** CREATE, with a special use if the client names one. RFC 3501 §6.3.3, RFC 6154 §3. */
import { ImapRefusal } from '../backend.ts'
import { command, signedIn } from '../command.ts'
import { roleOfUse, specialRoles, specialUses } from '../../../mail/special-use.ts'
import { SyntaxFault } from '../wire/fault.ts'

/** \All and \Flagged are views that only a server makes. RFC 6154 §2. */
const settable = ['archive', 'drafts', 'junk', 'sent', 'trash'] as const

export const create = command({
  name: 'CREATE',
  states: signedIn,
  tellsExpunge: 'always',

  grammar(line) {
    line.space()
    const name = line.mailboxToCreate()
    if (!line.tries(' ')) return { name, use: undefined }
    // RFC 4466 §2.2 create-param; the only one is USE, RFC 6154 §5.
    line.takes('(', 'create-param')
    if (line.word() !== 'USE') throw line.fault('USE', 'create-param')
    line.space()
    line.takes('(', 'use-attr')
    const uses: string[] = []
    while (!line.tries(')')) {
      if (uses.length > 0) line.space()
      if (uses.length >= specialRoles.length) throw new SyntaxFault(line.at, 'fewer uses', 'use-attr')
      line.takes('\\', 'use-attr')
      uses.push('\\' + line.word())
    }
    line.takes(')', 'create-param')
    const roles = uses.map(roleOfUse)
    const role = settable.find((one) => one === roles[0])
    // RFC 6154 §3: a use that cannot be had, or two where we keep one, is declined.
    if (roles.length > 1 || (roles.length === 1 && role === undefined))
      throw new ImapRefusal('USEATTR', 'A mailbox has one use: \\Archive, \\Drafts, \\Junk, \\Sent or \\Trash')
    return { name, use: role && specialUses[role] }
  },

  async run({ account }, { name, use }) {
    if (name === 'INBOX') throw new ImapRefusal('ALREADYEXISTS', 'INBOX always exists')
    await account.create(name, use)
  },
})
