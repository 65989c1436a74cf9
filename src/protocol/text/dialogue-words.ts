/** What of a dialogue may stand in a log: no password, no token, nothing of a message. */
import { utf8 } from '../../base/bytes.ts'

/** Of a reply's line. */
export const replyLineMax = 512
const commandLineMax = 512

/** `AUTH PLAIN AGFsaWNlAHNlY3JldA==` without what comes behind the mechanism. RFC 4954 §4, RFC 5034 §4. */
export function withoutSecret(line: string): string {
  const [verb = '', mechanism = '', ...rest] = line.split(' ')
  return `${verb} ${mechanism}${rest.length > 0 ? ' (a SASL response)' : ''}`
}

/**
 * The first line of an IMAP command: literals, which may be passwords or messages, come behind it.
 * @param name the command as it was understood, not as it is spelled: a password must not pass for something else by odd spaces.
 */
export function imapCommandWords(bytes: Uint8Array, name: string): string {
  const [line = ''] = utf8(bytes.subarray(0, commandLineMax)).split('\r\n', 1)
  const [tag = ''] = line.split(' ', 1)
  switch (name) {
    case 'LOGIN':
      return `${tag} LOGIN (a name and a password)`
    case 'AUTHENTICATE':
      return `${tag} ${withoutSecret(line.slice(tag.length + 1))}`
    default:
      return line
  }
}
