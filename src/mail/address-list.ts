/**
 * Address lists of header fields (From, To, Cc …), read leniently. RFC 5322 §3.4, §4.4.
 *
 * Text here is header text: one character per byte (latin1), so that nothing is lost before a charset is known.
 */

import type { AddressEntry, AddressGroup, AddressMailbox } from './address-entry.ts'

export type { AddressEntry, AddressGroup, AddressMailbox } from './address-entry.ts'
export { formatAddressEntry, formatAddressList } from './address-list-format.ts'

/** Addresses read of one field: beyond any list server's batch; keeps a 1 MiB field of commas from becoming 30 MiB of ENVELOPE. */
export const addressesMax = 10_000
/** Comments within comments: deeper ones are read as flat text. */
const commentDepthMax = 50

/** Reads the value of an address field, folded or not. Never throws; text that is no address is skipped. */
export function parseAddressList(text: string): AddressEntry[] {
  return new AddressReader(text).list()
}

/** All mailboxes of a list, those of groups included. */
export function mailboxesOf(list: readonly AddressEntry[]): AddressMailbox[] {
  const found: AddressMailbox[] = []
  for (const entry of list) {
    if (entry.kind === 'mailbox') found.push(entry)
    else for (const member of entry.members) found.push(member)
  }
  return found
}

const tab = 0x09
const lf = 0x0a
const cr = 0x0d
const escape = 0x1b
const space = 0x20
const quote = 0x22
const dollar = 0x24
const open = 0x28
const close = 0x29
const comma = 0x2c
const dot = 0x2e
const colon = 0x3a
const semicolon = 0x3b
const less = 0x3c
const greater = 0x3e
const at = 0x40
const openBracket = 0x5b
const backslash = 0x5c

/** 1 for the characters that end an atom here. A dot does not: phrases such as `John Q. Public` hold some. RFC 5322 §4.1. */
const endsAtom = new Uint8Array(256)
for (const code of [tab, lf, cr, space, quote, open, close, comma, colon, semicolon, less, greater, at, openBracket])
  endsAtom[code] = 1

type Maybe = string | undefined
/** One shape for all: the engine is quick with objects of a kind. */
function mailbox(name: Maybe, route: Maybe, localPart: string, domain: string): AddressMailbox {
  return { kind: 'mailbox', name, route, localPart, domain }
}

/** An address is no longer: RFC 5321 §4.5.3.1. */
const mailtoWord = /\[mailto:[^\s<>"(),;:@\\[\]\x1b]{1,64}@[^\s<>"(),;:@\\[\]\x1b]{1,255}\]/iy

class AddressReader {
  readonly text: string
  pos = 0
  count = 0
  /** No return to ASCII comes any more. */
  noReturn = false
  /** The last comment passed by: a name of last resort. */
  comment: string | undefined
  constructor(text: string) {
    this.text = text
  }

  list(): AddressEntry[] {
    const entries: AddressEntry[] = []
    while (this.pos < this.text.length && this.count < addressesMax) {
      const entry = this.address(false)
      if (entry !== undefined) entries.push(entry)
    }
    return entries
  }

  /** One address up to and with its comma (in a group: up to the semicolon, which stays), or up to where the next begins without one. */
  private address(inGroup: boolean): AddressEntry | undefined {
    const { text } = this
    let words = ''
    /** What stands before the last word: a name, where that word is a local part. */
    let before = ''
    let last = ''
    let lastQuoted = false
    let quoted = false
    let spaced = false
    let joined = false
    /** The word before ends in a dot, which joins it to the next: obs-local-part. */
    let dotted = false
    let name: Maybe
    let found: AddressMailbox | undefined
    let isBracketed = false
    let mailto: { readonly text: string; readonly before: string } | undefined
    let wordsAt = this.pos
    this.comment = undefined
    while (this.pos < text.length) {
      const code = text.charCodeAt(this.pos)
      if (code === space || code === tab || code === cr || code === lf) {
        spaced = words !== ''
        this.pos += 1
      } else if (code === comma || code === semicolon) {
        // A semicolon outside a group separates too: Outlook users type it.
        if (code === comma || !inGroup) this.pos += 1
        break
      } else if (code === open) {
        this.comment = this.readComment()
        spaced = words !== ''
      } else if (code === less) {
        // `A <a@example.org> B <b@example.org>`: a comma was forgotten. Where words stand between, what came first was no name.
        if (found !== undefined && (isBracketed || words !== '')) {
          if (words !== '') this.pos = wordsAt
          words = ''
          break
        }
        const start = this.pos
        const inside = this.angle()
        if (inside === undefined && words !== '' && found === undefined) {
          // `MAILER DAEMON <>`: the name is all that there is to show.
          found = mailbox(undefined, undefined, '', '')
          name = words
        } else if (inside !== undefined) {
          // `a@example.org <a@example.org>`: what came first was the name, whatever it looks like.
          if (words !== '') name = words
          else if (found !== undefined) name = this.writtenName(wordsAt, start) ?? `${found.localPart}@${found.domain}`
          found = inside
          isBracketed = true
        }
        words = ''
        spaced = false
      } else if (code === at && found === undefined) {
        this.pos += 1
        const domain = this.readDomain()
        // `Anne Doe anne@example.org`: the last word is the address, what stands before it the name.
        if (words !== '' || (quoted && domain !== ''))
          found = mailbox(undefined, undefined, joined && !lastQuoted ? dropDotSpace(last) : last, domain)
        if (before !== '') name = before
        words = ''
        spaced = false
      } else if (code === at && words !== '') {
        // `a@example.org b@example.org`
        this.pos = wordsAt
        words = ''
        break
      } else if (code === colon && !inGroup && found === undefined) {
        this.pos += 1
        return this.group(words)
      } else if (endsAtom[code] === 1 && code !== openBracket && code !== quote) {
        this.pos += 1
      } else {
        const start = this.pos
        const written = code === openBracket ? this.readMailto() : undefined
        const word = written ?? (code === quote ? this.readQuoted() : this.readAtom())
        if (written !== undefined) mailto = { text: written, before: words }
        if (words === '') wordsAt = start
        const isJoined = dotted || (code !== quote && text.charCodeAt(start) === dot)
        if (spaced && !isJoined) {
          before = words
          last = word
          joined = false
          lastQuoted = false
        } else {
          last += (spaced ? ' ' : '') + word
          joined ||= spaced
        }
        lastQuoted ||= code === quote
        words += (spaced ? ' ' : '') + word
        dotted = code !== quote && text.charCodeAt(this.pos - 1) === dot
        spaced = false
        quoted ||= code === quote
      }
    }
    if (found === undefined && mailto !== undefined) {
      // `Joe [mailto:joe@example.org]` alone: the address is in the brackets.
      const [, localPart = '', domain = ''] = /^\[mailto:(.*)@(.*)\]$/i.exec(mailto.text) ?? []
      found = mailbox(undefined, undefined, localPart, domain)
      words = mailto.before
    }
    if (found === undefined && words !== '')
      found = mailbox(undefined, undefined, joined && before === '' && !lastQuoted ? dropDotSpace(words) : words, '')
    if (found === undefined) return undefined
    this.count += 1
    // `<a@example.org> Anne`: the words left over are a name.
    const display =
      name ??
      (words !== '' && words !== found.localPart ? words : undefined) ??
      (this.comment === '' ? undefined : this.comment)
    return display === undefined ? found : mailbox(display, found.route, found.localPart, found.domain)
  }

  /** What stands in the field as it is written; undefined where that has quotes, comments or folds to undo. */
  private writtenName(start: number, end: number): string | undefined {
    const written = this.text.slice(start, end).trim()
    return /["()\\\r\n]/.test(written) ? undefined : written
  }

  /** `[mailto:joe@example.org]`, which Outlook writes behind names: one word, whose colon begins no group. undefined for anything else. */
  private readMailto(): string | undefined {
    mailtoWord.lastIndex = this.pos
    const word = mailtoWord.exec(this.text)?.[0]
    if (word !== undefined) this.pos += word.length
    return word
  }

  private readAtom(): string {
    const { text } = this
    const start = this.pos
    do this.pos = text.charCodeAt(this.pos) === escape ? this.escapeEnd(this.pos) : this.pos + 1
    while (this.pos < text.length && endsAtom[text.charCodeAt(this.pos)] !== 1)
    return text.slice(start, this.pos)
  }

  /**
   * Behind what begins with an escape of raw ISO-2022-JP: its characters are pairs of ASCII bytes, brackets and quotes among them, up to
   * the next return to ASCII. RFC 1468.
   */
  private escapeEnd(start: number): number {
    const next = this.text.charCodeAt(start + 1)
    if (next === open) return Math.min(start + 3, this.text.length)
    if (next !== dollar || this.noReturn) return start + 1
    const end = this.text.indexOf('\x1b(', start + 2)
    // Looked for once.
    this.noReturn = end < 0
    return end < 0 ? start + 1 : Math.min(end + 3, this.text.length)
  }

  /** Members up to the semicolon, which is taken. A second colon inside does not nest: RFC 5322 has no groups of groups. */
  private group(name: string): AddressGroup {
    const members: AddressMailbox[] = []
    while (this.pos < this.text.length && this.count < addressesMax) {
      if (this.text.charCodeAt(this.pos) === semicolon) break
      const member = this.address(true)
      if (member?.kind === 'mailbox') members.push(member)
    }
    this.pos += 1
    this.count += 1
    return { kind: 'group', name, members }
  }

  /** `<@a,@b:local@domain>`, also unclosed. undefined for `<>`. */
  private angle(): AddressMailbox | undefined {
    const { text } = this
    this.pos += 1
    let route = ''
    let words = ''
    let quoted = false
    let spaced = false
    let joined = false
    let domain: string | undefined
    while (this.pos < text.length) {
      const code = text.charCodeAt(this.pos)
      if (code === greater) {
        this.pos += 1
        break
      }
      if (code === space || code === tab || code === cr || code === lf) {
        spaced = words !== ''
        this.pos += 1
      } else if (code === less) {
        // `<a@example.org <b@example.org>` lacks a bracket; in `<<a@example.org>>` and `<3 <a@example.org>` the last one counts.
        if (domain !== undefined) break
        this.pos += 1
        words = ''
        quoted = false
        joined = false
        spaced = false
      } else if (code === open) {
        this.readComment()
      } else if (code === quote) {
        words += (spaced ? ' ' : '') + this.readQuoted()
        joined ||= spaced
        spaced = false
        quoted = true
      } else if (code === at) {
        this.pos += 1
        const host = this.readDomain()
        if (words === '' && !quoted) route += (route === '' ? '@' : ',@') + host
        else domain ??= host
      } else if (code === colon && words === '') {
        this.pos += 1
      } else if (code === comma && words === '') {
        this.pos += 1
      } else if (code === comma && domain !== undefined) {
        // `<a@b, c@d` without its bracket: the next address begins here.
        break
      } else {
        const word = this.readAtom()
        if (domain === undefined) {
          words += (spaced ? ' ' : '') + word
          joined ||= spaced
        }
        spaced = false
      }
    }
    if (words === '' && (!quoted || (domain ?? '') === '')) return undefined
    return mailbox(
      undefined,
      route === '' ? undefined : route,
      quoted || !joined ? words : dropDotSpace(words),
      domain ?? '',
    )
  }

  /** A domain or literal, white space and comments around its dots dropped. RFC 5322 §4.4 obs-domain. */
  private readDomain(): string {
    const { text } = this
    let domain = ''
    // Looked at in the text: a string that is built and looked at in one loop is copied whole each time.
    let endsInDot = false
    while (this.pos < text.length) {
      const code = text.charCodeAt(this.pos)
      if (code === space || code === tab || code === cr || code === lf) {
        this.pos += 1
        // A word after white space is not the domain's unless a dot joins them.
        if (domain !== '' && !endsInDot && this.peekWord() !== dot) break
      } else if (code === open) {
        this.comment = this.readComment()
      } else if (code === openBracket && domain === '') {
        const end = text.indexOf(']', this.pos)
        const stop = end < 0 ? text.length : end + 1
        domain = text.slice(this.pos, stop).replace(/[\s\\]+/g, '')
        this.pos = stop
        break
      } else if (endsAtom[code] === 1) {
        break
      } else {
        const start = this.pos
        while (this.pos < text.length && endsAtom[text.charCodeAt(this.pos)] !== 1) this.pos += 1
        domain += text.slice(start, this.pos)
        endsInDot = text.charCodeAt(this.pos - 1) === dot
      }
    }
    return domain
  }

  /** The code of the next character that is not white space, without moving. NaN at the end. */
  private peekWord(): number {
    const { text } = this
    while (this.pos < text.length) {
      const code = text.charCodeAt(this.pos)
      if (code !== space && code !== tab && code !== cr && code !== lf) return code === open ? dot : code
      this.pos += 1
    }
    return Number.NaN
  }

  private readQuoted(): string {
    const { text } = this
    const start = this.pos + 1
    let plain = true
    let end = start
    while (end < text.length) {
      const code = text.charCodeAt(end)
      if (code === quote) break
      if (code === backslash || code === cr || code === lf) plain = false
      end = code === escape ? this.escapeEnd(end) : end + (code === backslash ? 2 : 1)
    }
    this.pos = Math.min(end + 1, text.length)
    const inside = text.slice(start, Math.min(end, text.length))
    return plain ? inside : inside.replace(/\r?\n|\r/g, '').replace(/\\([^])/g, '$1')
  }

  /** A comment's text, inner comments with their brackets. */
  private readComment(): string {
    const { text } = this
    const start = this.pos + 1
    let depth = 1
    let plain = true
    let end = start
    while (end < text.length) {
      const code = text.charCodeAt(end)
      if (code === close && (depth -= 1) === 0) break
      if (code === open && depth < commentDepthMax) depth += 1
      if (code === backslash || code === cr || code === lf) plain = false
      end += code === backslash ? 2 : 1
    }
    this.pos = Math.min(end + 1, text.length)
    const inside = text.slice(start, Math.min(end, text.length)).trim()
    return plain ? inside : inside.replace(/\r?\n|\r/g, '').replace(/\\([^])/g, '$1')
  }
}

/**
 * `john . doe` is `john.doe`: obs-local-part, RFC 5322 §4.4. Whether there is a space is the caller's to know: a search that is used
 * behind a loop and on one way through it is done by V8 at each turn of the loop, and copies a string that is still being built.
 */
function dropDotSpace(words: string): string {
  return words.replace(/ ?\. ?/g, '.')
}
