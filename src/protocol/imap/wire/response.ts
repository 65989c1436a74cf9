/** What servers say, read by the client. RFC 3501 §7, §9 `response`. */
import { latin1, utf8 } from '../../../base/bytes.ts'
import { SyntaxFault } from './fault.ts'

/** An atom or quoted string is text, a literal is bytes, NIL is null. */
export type Value = string | number | Uint8Array | null | readonly Value[]

export type Response =
  | { readonly kind: 'continue'; readonly text: string }
  /** Tag `*` where it is untagged. The code stands without its brackets: `UIDNEXT 4`. */
  | {
      readonly kind: 'status'
      readonly tag: string
      readonly status: 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH'
      readonly code?: string
      readonly text: string
    }
  /** `* 3 EXISTS`, `* LIST …`, `* 1 FETCH (…)`. */
  | { readonly kind: 'data'; readonly number?: number; readonly name: string; readonly values: readonly Value[] }

/** Lists inside lists: BODYSTRUCTURE of deep messages. */
const depthMax = 300

const statuses = new Set(['OK', 'NO', 'BAD', 'BYE', 'PREAUTH'])

export function parseResponse(bytes: Uint8Array): Response {
  if (bytes[0] === 0x2b) return { kind: 'continue', text: utf8(bytes, 2) }
  const cursor = new Cursor(bytes)
  const tag = cursor.atom()
  cursor.space()
  const word = cursor.atom()
  if (statuses.has(word.toUpperCase())) {
    cursor.trySpace()
    const code = cursor.code()
    cursor.trySpace()
    const text = utf8(bytes, cursor.at)
    return { kind: 'status', tag, status: word.toUpperCase() as 'OK', code, text }
  }
  const numbered = /^\d+$/.test(word)
  if (numbered) cursor.space()
  const name = (numbered ? cursor.atom() : word).toUpperCase()
  const values: Value[] = []
  while (cursor.trySpace()) values.push(cursor.value(0))
  return { kind: 'data', number: numbered ? Number(word) : undefined, name, values }
}

class Cursor {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  #fault(expected: string): SyntaxFault {
    return new SyntaxFault(this.at, expected, 'response')
  }

  space(): void {
    if (!this.trySpace()) throw this.#fault('a space')
  }

  /** Servers that leave spaces at the end, or two, are forgiven. */
  trySpace(): boolean {
    const start = this.at
    while (this.bytes[this.at] === 0x20) this.at++
    return this.at > start && this.at < this.bytes.length
  }

  /** Anything up to a space or parenthesis; brackets hold theirs: `BODY[HEADER.FIELDS (DATE)]<0>`. */
  atom(): string {
    const { bytes } = this
    const start = this.at
    let at = start
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (byte === 0x5b) {
        const close = bytes.indexOf(0x5d, at)
        if (close < 0) throw this.#fault('"]"')
        at = close
      } else if (byte === 0x20 || byte === 0x28 || byte === 0x29) break
    }
    if (at === start) throw this.#fault('an atom')
    this.at = at
    return latin1(bytes, start, at)
  }

  code(): string | undefined {
    if (this.bytes[this.at] !== 0x5b) return undefined
    const close = this.bytes.indexOf(0x5d, this.at)
    if (close < 0) return undefined
    const code = latin1(this.bytes, this.at + 1, close)
    this.at = close + 1
    return code
  }

  value(depth: number): Value {
    const first = this.bytes[this.at]
    if (first === 0x28) return this.#list(depth)
    if (first === 0x22) return this.#quoted()
    if (first === 0x7b) return this.#literal()
    // literal8, RFC 9051 §9.
    if (first === 0x7e && this.bytes[this.at + 1] === 0x7b) {
      this.at++
      return this.#literal()
    }
    const atom = this.atom()
    if (/^\d+$/.test(atom)) return Number(atom)
    return atom.toUpperCase() === 'NIL' ? null : atom
  }

  #list(depth: number): Value[] {
    if (depth > depthMax) throw this.#fault('less nesting')
    this.at++
    const values: Value[] = []
    for (;;) {
      while (this.bytes[this.at] === 0x20) this.at++
      if (this.at >= this.bytes.length) throw this.#fault('")"')
      if (this.bytes[this.at] === 0x29) break
      values.push(this.value(depth + 1))
    }
    this.at++
    return values
  }

  #quoted(): string {
    const { bytes } = this
    let at = this.at + 1
    while (at < bytes.length && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1
    if (at >= bytes.length) throw this.#fault('a closing quote')
    const text = utf8(bytes, this.at + 1, at)
    this.at = at + 1
    return text.includes('\\') ? text.replace(/\\(.)/g, '$1') : text
  }

  #literal(): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.at)
    const size = Number(/^\{(\d+)\}\r?\n$/.exec(latin1(this.bytes, this.at, end + 1))?.[1] ?? NaN)
    if (!(end + 1 + size <= this.bytes.length)) throw this.#fault('a literal')
    this.at = end + 1 + size
    return this.bytes.slice(end + 1, end + 1 + size)
  }
}
