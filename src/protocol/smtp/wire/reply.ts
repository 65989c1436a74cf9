/** Replies, written and read. RFC 5321 §4.2. */
import { bytesOf } from '../../../base/bytes.ts'
import type { Status } from '../../../mail/status.ts'

/** `250 text`, or `250-one` … `250 last` for several lines. */
export function formatReply(code: number, ...lines: readonly string[]): Uint8Array {
  const last = lines.length - 1
  return bytesOf(lines.map((line, i) => `${code}${i === last ? ' ' : '-'}${line}\r\n`).join(''))
}

/** With the enhanced code in front of the text. RFC 2034 §4. */
export function formatStatus({ code, enhanced, text }: Status): Uint8Array {
  return formatReply(code, `${enhanced} ${text}`)
}

export interface Reply {
  readonly code: number
  /** `5.1.1`; '' where the server gave none. */
  readonly enhanced: string
  /** Without codes. */
  readonly lines: readonly string[]
}

export function replyText({ code, enhanced, lines }: Reply): string {
  return [code, enhanced, lines.join(' / ')].filter((part) => part !== '').join(' ')
}

/** A server that never ends its reply must not fill our memory. */
export const replyLinesMax = 200

const replyLine = /^([2-5]\d\d)(?:([ -])(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*))?$/s

/** Gathers lines to replies. Throws on what is no reply. */
export class ReplyReader {
  #code = 0
  #enhanced = ''
  #lines: string[] = []

  push(line: Uint8Array): Reply | undefined {
    const text = Buffer.from(line).toString('utf8')
    const match = replyLine.exec(text)
    const code = match ? Number(match[1]) : 0
    if (!match || (this.#lines.length > 0 && code !== this.#code) || this.#lines.length >= replyLinesMax) {
      throw new Error(`not a reply: ${JSON.stringify(text.slice(0, 200))}`)
    }
    this.#code = code
    this.#enhanced = match[3] ?? this.#enhanced
    this.#lines.push(match[4] ?? '')
    if (match[2] === '-') return undefined
    const reply = { code, enhanced: this.#enhanced, lines: this.#lines }
    this.#lines = []
    this.#enhanced = ''
    return reply
  }
}
