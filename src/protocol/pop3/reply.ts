/** Replies of POP3, and the fault that becomes one. RFC 1939 §3, RFC 2449 §8. */
import type { Words } from './words.ts'

/** What the client did wrong: `-ERR text`, in its language. */
export class Pop3Fault extends Error {
  readonly say: (words: Words) => string
  constructor(say: (words: Words) => string) {
    super('what a POP3 client did wrong')
    this.name = 'Pop3Fault'
    this.say = say
  }
}

const encode = (text: string): Uint8Array => Buffer.from(text)

export function ok(text: string): Uint8Array {
  return encode(`+OK ${text}\r\n`)
}

export function err(text: string, code?: string): Uint8Array {
  return encode(`-ERR ${code === undefined ? '' : `[${code}] `}${text}\r\n`)
}

/** `+OK` and lines, ended by a dot. The lines hold no leading dot of their own. RFC 1939 §3. */
export function listing(text: string, lines: readonly string[]): Uint8Array {
  return encode(`+OK ${text}\r\n${lines.map((line) => `${line}\r\n`).join('')}.\r\n`)
}
