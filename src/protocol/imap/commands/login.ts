/** LOGIN. RFC 3501 §6.2.3; refused in clear unless the options allow it, and LOGINDISABLED says so. */
import { ImapRefusal } from '../backend.ts'
import { mayTellPassword } from '../../sasl/mechanism.ts'
import { channelOf } from '../capability.ts'
import { command } from '../command.ts'

export const login = command({
  name: 'LOGIN',
  capability: (conversation) =>
    conversation.state !== 'notAuthenticated' || mayTellPassword(channelOf(conversation)) ? [] : ['LOGINDISABLED'],
  states: ['notAuthenticated'],
  tellsExpunge: 'never',

  grammar(line) {
    line.space()
    const user = line.astring()
    line.space()
    return { user, password: line.astring() }
  },

  async run(conversation, { user, password }) {
    if (!mayTellPassword(channelOf(conversation)))
      throw new ImapRefusal('PRIVACYREQUIRED', 'Passwords are accepted only under TLS: use STARTTLS first')
    const { authenticator } = conversation.options
    const authenticated = await authenticator.verifyPassword(user, password, conversation.host.peer)
    if (!authenticated) {
      conversation.signInFailed()
      throw new ImapRefusal('AUTHENTICATIONFAILED', 'Authentication failed')
    }
    await conversation.signIn(authenticated)
    conversation.completed(`CAPABILITY ${conversation.capabilities()}`, 'Logged in')
  },
})
