/** The grammar of SEARCH's keys, which gives the value that the backend evaluates. RFC 3501 §6.4.4, §9 `search-key`. */
import type { ModSeq } from '../../../mail/ids.ts'
import { latin1, utf8 } from '../../../base/bytes.ts'
import { decodeCharset } from '../../../mail/mime/charset.ts'
import type { SearchKey } from '../../../mail/search-key.ts'
import { searchDepthMax, searchKeysMax } from '../limits.ts'
import type { View } from '../view.ts'
import { parseSearchDate } from '../wire/date.ts'
import type { Line } from '../wire/line.ts'

/** Bounds of days that no message reaches: what a Date can hold. */
const dayMin = -100_000_000
const dayMax = 100_000_000

const flagKeys: Readonly<Record<string, string>> = {
  ANSWERED: '\\Answered',
  DELETED: '\\Deleted',
  DRAFT: '\\Draft',
  FLAGGED: '\\Flagged',
  SEEN: '\\Seen',
}

export function not(key: SearchKey): SearchKey {
  return { kind: 'not', key }
}

export class SearchGrammar {
  readonly #line: Line
  readonly #view: View
  readonly #charset: string | undefined
  #keys = 0
  /** The client asks for mod-sequences: it is told the highest of what is found. RFC 7162 §3.1.5. */
  asksModSeq = false

  /** @param charset that strings are in: one that `decodeCharset` knows, UTF-8 by default. */
  constructor(line: Line, view: View, charset?: string) {
    this.#line = line
    this.#view = view
    this.#charset = charset
  }

  /** One key or more up to the end of the command; all must hold. */
  program(): SearchKey {
    const keys = [this.#key(0)]
    while (this.#line.tries(' ') && !this.#line.atEnd()) keys.push(this.#key(0))
    return keys.length === 1 ? keys[0]! : { kind: 'and', keys }
  }

  #key(depth: number): SearchKey {
    const line = this.#line
    if (depth > searchDepthMax) throw line.fault('less nesting', 'search-key')
    if (++this.#keys > searchKeysMax) throw line.fault('fewer keys', 'search-key')
    if (line.atList) {
      const keys = line.list(() => this.#key(depth + 1), searchKeysMax, 'search-key')
      return keys.length === 1 ? keys[0]! : { kind: 'and', keys }
    }
    if (line.atSequenceSet()) return { kind: 'uid', ranges: this.#view.uidRanges(line.sequenceSet(), false) }
    const at = line.at
    const name = line.word()
    const key = this.#flagKey(name) ?? this.#sizeOrDate(name) ?? this.#textKey(name) ?? this.#combined(name, depth)
    if (key) return key
    line.at = at
    throw line.fault('a search key', 'search-key')
  }

  #flagKey(name: string): SearchKey | undefined {
    if (Object.hasOwn(flagKeys, name)) return { kind: 'flag', flag: flagKeys[name]! }
    if (name.startsWith('UN') && Object.hasOwn(flagKeys, name.slice(2)))
      return not({ kind: 'flag', flag: flagKeys[name.slice(2)]! })
    const recent = (): SearchKey => ({ kind: 'uid', ranges: this.#view.recent.ranges() })
    switch (name) {
      case 'ALL':
        return { kind: 'all' }
      case 'RECENT':
        return recent()
      case 'OLD':
        return not(recent())
      case 'NEW':
        return { kind: 'and', keys: [recent(), not({ kind: 'flag', flag: '\\Seen' })] }
      case 'KEYWORD':
        return { kind: 'flag', flag: this.#keyword() }
      case 'UNKEYWORD':
        return not({ kind: 'flag', flag: this.#keyword() })
    }
    return undefined
  }

  #keyword(): string {
    this.#line.space()
    return this.#line.keyword()
  }

  #sizeOrDate(name: string): SearchKey | undefined {
    const line = this.#line
    const sent = name.startsWith('SENT')
    const kind = sent ? 'sentDay' : 'internalDay'
    switch (sent ? name.slice(4) : name) {
      case 'BEFORE':
        return { kind, first: dayMin, end: this.#date() }
      case 'SINCE':
        return { kind, first: this.#date(), end: dayMax }
      case 'ON': {
        const day = this.#date()
        return { kind, first: day, end: day + 1 }
      }
    }
    if (name === 'LARGER' || name === 'SMALLER') {
      line.space()
      return { kind: name === 'LARGER' ? 'larger' : 'smaller', sizeBytes: line.number64() }
    }
    return undefined
  }

  #date(): number {
    const line = this.#line
    line.space()
    const at = line.at
    const bytes = line.astringBytes()
    const day = parseSearchDate(latin1(bytes))
    if (day !== undefined) return day
    line.at = at
    throw line.fault('a date', 'date')
  }

  #textKey(name: string): SearchKey | undefined {
    switch (name) {
      case 'BCC':
      case 'CC':
      case 'FROM':
      case 'SUBJECT':
      case 'TO':
        return { kind: 'header', name: name.toLowerCase(), needle: this.#text() }
      case 'HEADER': {
        const field = this.#text().toLowerCase()
        return { kind: 'header', name: field, needle: this.#text() }
      }
      case 'BODY':
      case 'TEXT': {
        const needle = this.#text()
        // Everything contains the empty string.
        return needle === '' ? { kind: 'all' } : { kind: name === 'BODY' ? 'body' : 'text', needle }
      }
    }
    return undefined
  }

  #text(): string {
    this.#line.space()
    const bytes = this.#line.astringBytes()
    return (this.#charset === undefined ? undefined : decodeCharset(bytes, this.#charset)) ?? utf8(bytes)
  }

  #combined(name: string, depth: number): SearchKey | undefined {
    const line = this.#line
    switch (name) {
      case 'UID':
        line.space()
        return { kind: 'uid', ranges: this.#view.uidRanges(line.sequenceSet(), true) }
      case 'MODSEQ': {
        line.space()
        // An entry name and its type may stand before: we keep one mod-sequence for all of a message.
        if (line.peek() === 0x22) {
          line.stringBytes()
          line.space()
          if (!['PRIV', 'SHARED', 'ALL'].includes(line.word())) throw line.fault('an entry type', 'entry-type-req')
          line.space()
        }
        this.asksModSeq = true
        return { kind: 'modSeq', least: line.number64() as ModSeq }
      }
      case 'NOT':
        line.space()
        return not(this.#key(depth + 1))
      case 'OR': {
        line.space()
        const left = this.#key(depth + 1)
        line.space()
        return { kind: 'or', left, right: this.#key(depth + 1) }
      }
    }
    return undefined
  }
}
