/** Why a message could not be handed to a server, as faults of the client. */
import type { SmtpConnectionFault } from './client-session.ts'
import type { Need } from './outgoing.ts'
import { replyText, type Reply } from './wire/reply.ts'

/** The server said no, or not now, to something other than a recipient. */
export class SmtpReplyFault extends Error {
  /** What was refused: `greeting`, or the command. */
  readonly stage: string
  readonly reply: Reply
  constructor(stage: string, reply: Reply) {
    super(`${stage}: ${replyText(reply)}`)
    this.name = 'SmtpReplyFault'
    this.stage = stage
    this.reply = reply
  }
}

const words: Readonly<Record<Need, string>> = {
  smtpUtf8: 'The server does not support addresses with such characters (SMTPUTF8)',
  needs8bit: 'The server takes 7 bits only, and the message has more (8BITMIME, BINARYMIME)',
  requireTls: 'The message asks for TLS all the way, and the server does not promise it (REQUIRETLS)',
  deliverBy: 'The message is to be delivered in a time that the server does not promise (DELIVERBY)',
}

/** The server cannot do what the message needs; nothing was said to it. */
export class SmtpNeedFault extends Error {
  readonly need: Need
  constructor(need: Need) {
    super(words[need])
    this.name = 'SmtpNeedFault'
    this.need = need
  }
}

/** The reply of a server that has gone. RFC 3463 §3.5. */
export function brokenOff(fault: SmtpConnectionFault): Reply {
  return { code: 421, enhanced: '4.4.2', lines: [fault.message] }
}

/** BDAT was offered and is refused as a verb: the message has to go by DATA, on another connection. RFC 3030. */
export class SmtpChunkingFault extends SmtpReplyFault {
  constructor(reply: Reply) {
    super('BDAT', reply)
    this.name = 'SmtpChunkingFault'
  }
}
