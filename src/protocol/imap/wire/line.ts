/** A cursor over one command. Its methods bear the names of the grammar's productions and throw a SyntaxFault. RFC 3501 §9. */
import { latin1, utf8 } from '../../../base/bytes.ts'
import { flagsInListMax, keywordMaxBytes } from '../limits.ts'
import { ImapRefusal } from '../backend.ts'
import { SyntaxFault } from './fault.ts'
import { systemFlag } from './flag-list.ts'
import { canonicalMailboxName } from '../../../mail/mailbox-name.ts'
import { decodeModifiedUtf7, nameFault } from './mailbox-name.ts'
import { star } from './sequence-set.ts'
import type { SequenceSet } from './sequence-set.ts'

const inAtom = 1
const inAstring = 2
const inList = 4
const inTag = 8

const classes = new Uint8Array(256)
for (let code = 0x21; code < 0x7f; code++) {
  const char = String.fromCharCode(code)
  const special = '(){%*"\\]'.includes(char)
  if (!special) classes[code]! |= inAtom | inAstring | inList
  if (char === ']') classes[code]! |= inAstring | inList
  if (char === '%' || char === '*') classes[code]! |= inList
  if (classes[code]! & inAstring && char !== '+') classes[code]! |= inTag
}

const quote = 0x22
const backslash = 0x5c
const open = 0x28
const close = 0x29
const spaceCode = 0x20

export class Line {
  readonly bytes: Uint8Array
  at: number
  readonly end: number
  /** Mailbox names are UTF-8 on this connection (IMAP4rev2 enabled), else modified UTF-7. */
  readonly utf8: boolean

  constructor(bytes: Uint8Array, options?: { readonly at?: number; readonly utf8?: boolean }) {
    this.bytes = bytes
    this.at = options?.at ?? 0
    this.end = bytes.length
    this.utf8 = options?.utf8 ?? false
  }

  fault(expected: string, rule: string): SyntaxFault {
    return new SyntaxFault(this.at, expected, rule)
  }

  peek(): number {
    return this.at < this.end ? this.bytes[this.at]! : -1
  }

  /** Takes the character if it is the next one. */
  tries(char: string): boolean {
    if (this.peek() !== char.charCodeAt(0)) return false
    this.at++
    return true
  }

  takes(char: string, rule: string): void {
    if (!this.tries(char)) throw this.fault(`"${char}"`, rule)
  }

  space(): void {
    if (this.peek() !== spaceCode) throw this.fault('a space', 'SP')
    this.at++
  }

  atEnd(): boolean {
    return this.at >= this.end
  }

  /** Nothing may follow. Spaces are forgiven: many clients leave one behind. */
  finish(): void {
    while (this.peek() === spaceCode) this.at++
    if (this.at < this.end) throw this.fault('the end of the command', 'CRLF')
  }

  #run(mask: number): string {
    const start = this.at
    let at = start
    while (at < this.end && (classes[this.bytes[at]!]! & mask) !== 0) at++
    this.at = at
    return latin1(this.bytes, start, at)
  }

  tag(): string {
    const tag = this.#run(inTag)
    if (tag === '') throw this.fault('a tag', 'tag')
    return tag
  }

  atom(): string {
    const atom = this.#run(inAtom)
    if (atom === '') throw this.fault('an atom', 'atom')
    return atom
  }

  /** An atom in capitals: names of commands, items and keys. */
  word(): string {
    return this.atom().toUpperCase()
  }

  /** The next atom in capitals, without taking it; empty where none begins. */
  peekWord(): string {
    const at = this.at
    const word = this.#run(inAtom).toUpperCase()
    this.at = at
    return word
  }

  /** Takes the word if it is the next atom. */
  triesWord(word: string): boolean {
    if (this.peekWord() !== word) return false
    this.at += word.length
    return true
  }

  /** A FETCH item's name in capitals: it ends at a bracket. Empty where none begins. */
  itemName(): string {
    const start = this.at
    let at = start
    while (
      at < this.end &&
      (classes[this.bytes[at]!]! & inAtom) !== 0 &&
      this.bytes[at] !== 0x5b &&
      this.bytes[at] !== 0x3c
    )
      at++
    this.at = at
    return latin1(this.bytes, start, at).toUpperCase()
  }

  /** A quoted string or literal as bytes. */
  stringBytes(): Uint8Array {
    const first = this.peek()
    if (first === quote) return this.#quoted()
    if (first === 0x7b) return this.#literal()
    throw this.fault('a string', 'string')
  }

  #quoted(): Uint8Array {
    const { bytes, end } = this
    const start = this.at + 1
    let at = start
    let escapes = 0
    for (; ; at++) {
      if (at >= end) throw this.fault('a closing quote', 'quoted')
      const byte = bytes[at]!
      if (byte === quote) break
      if (byte === 13 || byte === 10 || byte === 0) throw this.fault('a quoted character', 'QUOTED-CHAR')
      if (byte !== backslash) continue
      at++
      escapes++
      if (bytes[at] !== quote && bytes[at] !== backslash) throw this.fault('a quoted-special', 'QUOTED-CHAR')
    }
    this.at = at + 1
    if (escapes === 0) return bytes.subarray(start, at)
    const plain = new Uint8Array(at - start - escapes)
    for (let from = start, to = 0; from < at; from++) {
      if (bytes[from] === backslash) from++
      plain[to++] = bytes[from]!
    }
    return plain
  }

  #literal(): Uint8Array {
    const { bytes } = this
    let at = this.at + 1
    let size = 0
    while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) size = size * 10 + bytes[at++]! - 0x30
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
    if (bytes[at] === 0x7d) at++
    else throw this.fault('a literal', 'literal')
    if (bytes[at] === 13) at++
    if (bytes[at] !== 10) throw this.fault('a literal', 'literal')
    at++
    // The reader has counted these bytes already; a brace in the middle of a line is none of its literals.
    if (at + size > this.end) throw this.fault('a literal', 'literal')
    this.at = at + size
    return bytes.subarray(at, at + size)
  }

  /** Text of a string; 8-bit bytes are UTF-8. */
  string(): string {
    const bytes = this.stringBytes()
    return utf8(bytes)
  }

  nstring(): string | null {
    const first = this.peek()
    if (first === quote || first === 0x7b) return this.string()
    if (this.triesWord('NIL')) return null
    throw this.fault('a string or NIL', 'nstring')
  }

  astringBytes(): Uint8Array {
    const first = this.peek()
    if (first === quote || first === 0x7b) return this.stringBytes()
    const start = this.at
    if (this.#run(inAstring) === '') throw this.fault('an atom or a string', 'astring')
    return this.bytes.subarray(start, this.at)
  }

  astring(): string {
    return utf8(this.astringBytes())
  }

  /** 0 to 2^32 - 1. */
  number(): number {
    const start = this.at
    let value = 0
    let at = start
    while (at < this.end && this.bytes[at]! >= 0x30 && this.bytes[at]! <= 0x39 && at - start < 11)
      value = value * 10 + this.bytes[at++]! - 0x30
    if (at === start || value > 0xffffffff) throw this.fault('a number of 32 bits', 'number')
    this.at = at
    return value
  }

  nzNumber(): number {
    const start = this.at
    const value = this.number()
    if (value === 0) {
      this.at = start
      throw this.fault('a number above zero', 'nz-number')
    }
    return value
  }

  /** 63 bits in the grammar; what a double holds exactly is more than any mailbox or partial fetch needs. RFC 7162 §7, RFC 9051 §9. */
  number64(): number {
    const start = this.at
    let value = 0
    let at = start
    while (at < this.end && this.bytes[at]! >= 0x30 && this.bytes[at]! <= 0x39 && at - start < 20)
      value = value * 10 + this.bytes[at++]! - 0x30
    if (at === start) throw this.fault('a number', 'number64')
    this.at = at
    return Math.min(value, Number.MAX_SAFE_INTEGER)
  }

  sequenceSet(): SequenceSet {
    if (this.tries('$')) return { ranges: [], saved: true }
    const ranges: [number, number][] = []
    do {
      const first = this.#sequenceNumber()
      ranges.push([first, this.tries(':') ? this.#sequenceNumber() : first])
    } while (this.tries(','))
    return { ranges }
  }

  #sequenceNumber(): number {
    return this.tries('*') ? star : this.nzNumber()
  }

  /** Whether a sequence set may begin here. */
  atSequenceSet(): boolean {
    const first = this.peek()
    return (first >= 0x31 && first <= 0x39) || first === 0x2a || first === 0x24
  }

  /** A mailbox's name, decoded and in its one spelling. */
  mailbox(): string {
    const name = canonicalMailboxName(this.#decoded(this.astringBytes()))
    const fault = nameFault(name)
    if (fault) throw new ImapRefusal('CANNOT', fault)
    return name
  }

  /** CREATE may say `name/`: children are to come. RFC 3501 §6.3.3. */
  mailboxToCreate(): string {
    const name = canonicalMailboxName(this.#decoded(this.astringBytes()).replace(/\/$/, ''))
    const fault = nameFault(name)
    if (fault) throw new ImapRefusal('CANNOT', fault)
    return name
  }

  /** LIST's reference and pattern: wildcards are allowed and names need not be whole. */
  listMailbox(): string {
    const first = this.peek()
    if (first === quote || first === 0x7b) return this.#decoded(this.stringBytes())
    const start = this.at
    if (this.#run(inList) === '') throw this.fault('a pattern', 'list-mailbox')
    return this.#decoded(this.bytes.subarray(start, this.at))
  }

  #decoded(bytes: Uint8Array): string {
    const name = this.utf8 ? utf8(bytes) : decodeModifiedUtf7(latin1(bytes))
    if (name === undefined || name.includes('\ufffd'))
      throw new ImapRefusal('CANNOT', `Mailbox name is not valid ${this.utf8 ? 'UTF-8' : 'modified UTF-7'}`)
    return name.normalize('NFC')
  }

  /** One flag or keyword. \Recent cannot be set, and unknown backslash names are not ours to invent. RFC 3501 §2.3.2. */
  flag(): string {
    if (!this.tries('\\')) return this.keyword()
    const flag = systemFlag('\\' + this.atom())
    if (!flag) throw this.fault('a flag that can be set', 'flag')
    return flag
  }

  keyword(): string {
    const keyword = this.atom()
    if (keyword.length > keywordMaxBytes) throw this.fault('a shorter keyword', 'flag-keyword')
    return keyword
  }

  flagList(): string[] {
    this.takes('(', 'flag-list')
    const flags: string[] = []
    if (this.tries(')')) return flags
    do {
      if (flags.length >= flagsInListMax) throw this.fault('fewer flags', 'flag-list')
      flags.push(this.flag())
    } while (this.tries(' '))
    this.takes(')', 'flag-list')
    return flags
  }

  get atList(): boolean {
    return this.peek() === open
  }

  /** `(a b c)`: at least one, each read by `item`. */
  list<Item>(item: () => Item, itemsMax: number, rule: string): Item[] {
    this.takes('(', rule)
    const items: Item[] = []
    do {
      if (items.length >= itemsMax) throw this.fault('fewer items', rule)
      items.push(item())
    } while (this.tries(' '))
    if (this.peek() !== close) throw this.fault('")"', rule)
    this.at++
    return items
  }
}

/** The tag of a command of which no more can be read; `*` where it has none. */
export function tagOf(head: Uint8Array): string {
  try {
    return new Line(head).tag()
  } catch {
    return '*'
  }
}
