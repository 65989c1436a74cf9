/** STARTTLS: what was pipelined behind it is dropped unread. RFC 3501 §6.2.1. */
import { ImapRefusal } from '../backend.ts'
import { startTlsOffered } from '../capability.ts'
import { command } from '../command.ts'

export const startTls = command({
  name: 'STARTTLS',
  capability: (conversation) => (startTlsOffered(conversation) ? ['STARTTLS'] : []),
  states: ['notAuthenticated'],
  tellsExpunge: 'never',
  run(conversation) {
    if (!startTlsOffered(conversation))
      throw new ImapRefusal('CANNOT', conversation.host.tls ? 'TLS is already active' : 'TLS is not available')
    conversation.startTls()
  },
})
