/** Replies, written and read. RFC 5321 §4.2. */
import { bytesOf, utf8 } from '../../../base/bytes.ts'
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
  const text = lines.length === 1 ? lines[0]! : lines.join(' / ')
  return `${code}${enhanced === '' ? '' : ` ${enhanced}`}${text === '' ? '' : ` ${text}`}`
}

/** Service not available, closing the channel: it is the host that has trouble. RFC 5321 §4.2.3. */
export const closingCode = 421

/** A server that never ends its reply must not fill our memory. */
export const replyLinesMax = 200

/** What follows the code: `-` or a space, an enhanced code perhaps, and text. */
const afterCode = /^([ -])(?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*)$/s

/** Gathers lines to replies. Throws on what is no reply. */
export class ReplyReader {
  #code = 0
  #enhanced = ''
  #lines: string[] = []

  push(line: Uint8Array): Reply | undefined {
    const code = codeOf(line)
    const match = line.length === 3 ? bare : afterCode.exec(utf8(line, 3))
    if (code === 0 || !match || (this.#lines.length > 0 && code !== this.#code) || this.#lines.length >= replyLinesMax)
      throw new Error(`not a reply: ${JSON.stringify(utf8(line).slice(0, 200))}`)
    this.#code = code
    this.#enhanced = match[2] ?? this.#enhanced
    this.#lines.push(match[3]!)
    if (match[1] === '-') return undefined
    const reply = { code, enhanced: this.#enhanced, lines: this.#lines }
    this.#lines = []
    this.#enhanced = ''
    return reply
  }
}

/** A code alone is a whole reply. RFC 5321 §4.2. */
const bare = ['', ' ', undefined, ''] as const

/** 200–599; 0 for anything else. */
function codeOf(line: Uint8Array): number {
  const hundreds = (line[0] ?? 0) - 48
  const tens = (line[1] ?? 0) - 48
  const ones = (line[2] ?? 0) - 48
  const isCode = hundreds >= 2 && hundreds <= 5 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9
  return isCode ? hundreds * 100 + tens * 10 + ones : 0
}
