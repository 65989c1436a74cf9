/** The tokens of a script. RFC 5228 §8.1. */
import type { Faults } from './fault.ts'
import type { SieveLimits } from './limits.ts'

export type TokenKind = 'identifier' | 'tag' | 'number' | 'string' | 'mark' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** Where it begins in the text of the script. */
  readonly at: number
  /** Identifiers and tags in lower case, tags without their colon; strings as they are meant; marks as they are. */
  readonly text: string
  /** Of a number. */
  readonly value: number
}

/** RFC 5228 §2.4.1 asks for 2^31 - 1. Beyond this a number would no longer be exact. */
const numberMax = Number.MAX_SAFE_INTEGER

const word = /[a-z_][a-z0-9_]*/iy
const digits = /([0-9]+)([a-z_]*)/iy
/** `text:` with what may stand behind it on its line. RFC 5228 §2.4.2. */
const multiLineStart = /text:[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/iy
/** Comments are skipped by searches: they may be long. */
const blanks = /[ \t\r\n]+/y
/** What ends a quoted string, or takes the next character as it is. */
const special = /["\\]/g
const lastLine = /\n\.\r?(?:\n|$)/g
const factors: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/**
 * Reads one token after the other. Never throws: what is no token is noted as a fault and passed over.
 *
 * Departs: RFC 5228 §8.1, because scripts come from editors of all systems: a line may end in LF alone. In strings each line end
 * becomes CRLF, so that one script has one meaning.
 */
export class Lexer {
  readonly #text: string
  readonly #faults: Faults
  readonly #limits: SieveLimits
  #pos = 0

  constructor(text: string, faults: Faults, limits: SieveLimits) {
    this.#text = text
    this.#faults = faults
    this.#limits = limits
    // A byte order mark is what some editors begin a file with.
    if (text.startsWith('\ufeff')) this.#pos = 1
  }

  next(): Token {
    const text = this.#text
    for (;;) {
      this.#skipBlanks()
      const at = this.#pos
      if (at >= text.length) return { kind: 'end', at: text.length, text: 'the end of the script', value: 0 }
      const char = text[at]!
      if ('{}[](),;'.includes(char)) {
        this.#pos += 1
        return { kind: 'mark', at, text: char, value: 0 }
      }
      if (char === '"') return this.#quoted(at)
      multiLineStart.lastIndex = at
      const start = multiLineStart.exec(text)
      if (start !== null) return this.#multiLine(at, at + start[0].length)
      const found = this.#wordAt(at) ?? this.#tagAt(at) ?? this.#numberAt(at)
      if (found !== undefined) return found
      this.#strange(at)
    }
  }

  /** White space and comments. RFC 5228 §2.2, §2.3. */
  #skipBlanks(): void {
    const text = this.#text
    for (;;) {
      blanks.lastIndex = this.#pos
      this.#pos += blanks.exec(text)?.[0].length ?? 0
      const at = this.#pos
      if (text[at] === '#') {
        const end = text.indexOf('\n', at)
        this.#pos = end < 0 ? text.length : end + 1
      } else if (text[at] === '/' && text[at + 1] === '*') {
        const end = text.indexOf('*/', at + 2)
        if (end < 0) this.#faults.add(at, 'this comment has no end', 'comments end with */')
        this.#pos = end < 0 ? text.length : end + 2
      } else return
    }
  }

  #wordAt(at: number): Token | undefined {
    word.lastIndex = at
    const found = word.exec(this.#text)
    if (found === null) return undefined
    this.#pos = at + found[0].length
    return { kind: 'identifier', at, text: found[0].toLowerCase(), value: 0 }
  }

  #tagAt(at: number): Token | undefined {
    if (this.#text[at] !== ':') return undefined
    word.lastIndex = at + 1
    const found = word.exec(this.#text)
    if (found === null) return undefined
    this.#pos = at + 1 + found[0].length
    return { kind: 'tag', at, text: found[0].toLowerCase(), value: 0 }
  }

  /** `100`, `10K`. RFC 5228 §2.4.1. */
  #numberAt(at: number): Token | undefined {
    digits.lastIndex = at
    const found = digits.exec(this.#text)
    if (found === null) return undefined
    const [whole, count = '', unit = ''] = found
    this.#pos = at + whole.length
    const factor = factors[unit.toLowerCase()]
    const value = Number(count) * (factor ?? 1)
    if (factor === undefined)
      this.#faults.add(at, `"${short(whole)}" is no number`, 'a number may end in K, M or G, as 100K')
    else if (value > numberMax) this.#faults.add(at, 'this number is too large')
    return { kind: 'number', at, text: short(whole), value: Math.min(value, numberMax) }
  }

  /** RFC 5228 §2.4.2: a backslash takes the next character as it is. */
  #quoted(at: number): Token {
    const text = this.#text
    let isPlain = true
    special.lastIndex = at + 1
    for (let found = special.exec(text); found !== null; found = special.exec(text)) {
      if (found[0] === '"') {
        this.#pos = special.lastIndex
        const inside = text.slice(at + 1, found.index)
        return this.#string(at, isPlain ? inside : inside.replace(/\\([^])/g, '$1'))
      }
      isPlain = false
      special.lastIndex += 1
    }
    this.#faults.add(at, 'this string has no end', 'strings end with a quotation mark')
    this.#pos = text.length
    return { kind: 'string', at, text: '', value: 0 }
  }

  /** Up to a line that holds a dot alone; a dot before a dot is taken away. RFC 5228 §2.4.2. */
  #multiLine(at: number, start: number): Token {
    const text = this.#text
    // From the line end before the text: its first line may be the dot.
    lastLine.lastIndex = start - 1
    const found = lastLine.exec(text)
    if (found === null) {
      this.#faults.add(at, 'this text has no end', 'a text ends with a line that holds a dot alone')
      this.#pos = text.length
      return { kind: 'string', at, text: '', value: 0 }
    }
    this.#pos = lastLine.lastIndex
    return this.#string(at, text.slice(start, found.index + 1).replace(/^\.\./gm, '.'))
  }

  #string(at: number, text: string): Token {
    if (text.length > this.#limits.stringLengthMax)
      this.#faults.add(at, `this string is longer than ${this.#limits.stringLengthMax} characters`)
    else if (text.includes('\0')) this.#faults.add(at, 'this string holds a NUL')
    return { kind: 'string', at, text: text.includes('\n') ? text.replace(/\r?\n/g, '\r\n') : text, value: 0 }
  }

  #strange(at: number): void {
    const char = String.fromCodePoint(this.#text.codePointAt(at)!)
    const hint = /['\u2018-\u201f\u00ab\u00bb]/.test(char)
      ? 'strings stand between straight quotation marks: "'
      : undefined
    this.#faults.add(at, char === ':' ? 'a colon without a name behind it' : `"${char}" has no meaning here`, hint)
    this.#pos = at + char.length
    // A row of them is one fault.
    while (this.#pos < this.#text.length && /[^\w\s"#:;,{}[\]()/]/.test(this.#text[this.#pos]!)) this.#pos += 1
  }
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
