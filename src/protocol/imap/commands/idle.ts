/** IDLE: news as they happen, until DONE. RFC 2177. */
import { latin1 } from '../../../base/bytes.ts'
import { command, signedIn } from '../command.ts'
import type { Dialogue } from '../command.ts'
import { SyntaxFault } from '../wire/fault.ts'

/** One for all sessions: waiting costs no object. */
const idling: Dialogue = {
  lineMaxBytes: 64,
  listens: true,
  line(_conversation, bytes) {
    if (bytes === null || latin1(bytes).trim().toUpperCase() !== 'DONE') throw new SyntaxFault(0, 'DONE', 'RFC 2177 3')
    return true
  },
}

export const idle = command({
  name: 'IDLE',
  capability: 'IDLE',
  states: signedIn,
  tellsExpunge: 'always',
  run(conversation) {
    conversation.out.text('+ idling\r\n')
    conversation.converse(idling)
  },
})
