/** EHLO keywords without a verb of their own: what the session does anyway. */
import type { ServerState } from './state.ts'

export const extensions: readonly ((state: ServerState) => string | undefined)[] = [
  // RFC 2920: replies to one read leave in one write.
  () => 'PIPELINING',
  // RFC 6152 and RFC 6531: parameters of MAIL.
  () => '8BITMIME',
  () => 'SMTPUTF8',
  // RFC 3030 §3: a value of BODY; its octets come by BDAT.
  () => 'BINARYMIME',
  // RFC 3461: parameters of MAIL and RCPT. LMTP has it too, RFC 2033 §5 leaves it to us.
  () => 'DSN',
  // RFC 2034: every reply but the greeting and EHLO's has one.
  () => 'ENHANCEDSTATUSCODES',
]
