/**
 * HTML as plain text, for previews, search and readers without HTML. No HTML is made here: nothing of it may be trusted as such.
 *
 * It is cut by HTML's own tokenizer (htmlparser2; HTML Standard §13.2.5), which decides what is a tag, a comment, raw text or a character
 * reference. No tree is built: memory and time grow with the text, whatever it nests.
 */
import { Tokenizer } from 'htmlparser2'

export { decodeEntities } from './entities.ts'

/** Elements whose content nobody reads. What else stands in a head, or where one should be, is shown: `</head>` may be left out. */
const hidden = new Set('script style title template noscript noembed noframes svg math object iframe'.split(' '))
/** Elements that begin a line, and that end drawings and formulas in which they stand. HTML Standard §13.2.6.5. */
const blocks = new Set(
  'address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li listing main nav ol p plaintext pre section table tbody td th tr ul br xmp'.split(
    ' ',
  ),
)
/** Elements that keep their lines and spaces. */
const preformatted = new Set(['pre', 'listing', 'xmp', 'plaintext'])
/** References to characters that are seen in no text: they fill previews. Soft hyphen, joiners of graphemes, zero-width space and non-joiner. */
const unseen = new Set([0xad, 0x34f, 0x200b, 0x200c, 0xfeff])

/** Taken at a time, so that a preview costs what it shows. */
const pieceLength = 2_048

/**
 * The text of HTML, blocks on lines of their own, lines of `<pre>` kept. Linear in its input, whatever that is.
 * @param lengthMax characters after which no more are gathered: a preview needs the beginning only.
 */
export function htmlToText(html: string, lengthMax = Infinity): string {
  const reader = new TextReader(html)
  const tokenizer = new Tokenizer({ decodeEntities: true }, reader)
  let at = 0
  while (at < html.length && reader.length < lengthMax) {
    tokenizer.write(html.slice(at, at + pieceLength))
    at += pieceLength
  }
  if (at >= html.length) tokenizer.end()
  return reader.end()
}

/** Takes the tokens, whose places are those of the whole text. */
class TextReader {
  /** Characters gathered. */
  length = 0
  readonly #html: string
  readonly #lines: string[] = []
  /** The line that is being written: short, or joining it would cost more with each word. */
  #pieces: string[] = []
  #endsInSpace = true
  /** The hidden element that is open, and how many of its name. */
  #skipping: string | undefined
  #skippingDepth = 0
  #preDepth = 0
  /** A line end right behind `<pre>` is not of its text. */
  #preBegins = false
  /** The last line end was a carriage return, which a line feed may complete. */
  #lastCr = false
  #tag = ''

  constructor(html: string) {
    this.#html = html
  }

  end(): string {
    this.#lineBreak()
    return this.#lines.join('\n')
  }

  ontext(start: number, end: number): void {
    if (this.#skipping === undefined) this.#add(this.#html.slice(start, end))
  }

  ontextentity(code: number): void {
    if (this.#skipping === undefined && !unseen.has(code)) this.#add(String.fromCodePoint(code))
  }

  /** A CDATA section is text in drawings and formulas alone, which are hidden. */
  oncdata(): void {}

  onopentagname(start: number, end: number): void {
    this.#tag = this.#html.slice(start, end).toLowerCase()
  }

  onopentagend(): void {
    this.#open(this.#tag, false)
  }

  onselfclosingtag(): void {
    this.#open(this.#tag, true)
  }

  onclosetag(start: number, end: number): void {
    const tag = this.#html.slice(start, end).toLowerCase()
    if (this.#skipping !== undefined) {
      if (tag === this.#skipping) this.#skippingDepth -= 1
      if (this.#skippingDepth === 0) this.#skipping = undefined
      return
    }
    if (blocks.has(tag)) this.#lineBreak()
    if (preformatted.has(tag) && this.#preDepth > 0) this.#preDepth -= 1
  }

  isInForeignContext(): boolean {
    return this.#skipping === 'svg' || this.#skipping === 'math'
  }

  onattribdata(): void {}
  onattribentity(): void {}
  onattribend(): void {}
  onattribname(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  #open(tag: string, selfClosing: boolean): void {
    if (this.#skipping !== undefined) {
      if (tag === this.#skipping && !(selfClosing && this.isInForeignContext())) this.#skippingDepth += 1
      if (!this.isInForeignContext() || !blocks.has(tag)) return
      this.#skipping = undefined
    }
    if (hidden.has(tag)) {
      // Elsewhere the slash means nothing.
      if (selfClosing && (tag === 'svg' || tag === 'math')) return
      this.#skipping = tag
      this.#skippingDepth = 1
      return
    }
    if (blocks.has(tag)) this.#lineBreak()
    if (!preformatted.has(tag)) return
    this.#preDepth += 1
    this.#preBegins = true
  }

  #add(text: string): void {
    if (this.#preDepth > 0) {
      this.#addLines(text)
      return
    }
    const flat = text.replace(/[ \t\r\n\f\u00a0\u2002\u2003\u2009]+/g, ' ')
    this.#put(this.#endsInSpace ? flat.trimStart() : flat)
  }

  #put(piece: string): void {
    if (piece === '') return
    this.#pieces.push(piece)
    this.#endsInSpace = piece.endsWith(' ')
    this.length += piece.length
  }

  /** Preformatted text: an empty line is one, too. */
  #addLines(text: string): void {
    const lines = text.replace(/\r\n?/g, '\n').split('\n')
    if (this.#lastCr && text.startsWith('\n')) lines.shift()
    this.#lastCr = text.endsWith('\r')
    if (this.#preBegins && lines.length > 1 && lines[0] === '') lines.shift()
    this.#preBegins = false
    for (const [at, line] of lines.entries()) {
      if (at > 0) {
        this.#lines.push(this.#takeLine())
        this.length += 1
      }
      this.#put(line)
    }
  }

  #takeLine(): string {
    const line = this.#pieces.join('').trimEnd()
    this.#pieces = []
    this.#endsInSpace = true
    return line
  }

  #lineBreak(): void {
    const line = this.#takeLine()
    if (line !== '') this.#lines.push(line)
  }
}
