/**
 * HTML as plain text, for previews, search and clients without HTML. The result is text and must not be used as safe HTML.
 *
 * A tokenizer of the HTML Standard §13.2.5 (htmlparser2) decides what is a tag, a comment, raw text or a character reference. No tree is
 * built: memory and time grow with the length of the text, however deep it nests.
 */
import { Tokenizer } from 'htmlparser2'

export { decodeEntities } from './entities.ts'

/** Elements whose content is not shown. Other content of a head is shown, since `</head>` may be missing. */
const hidden = new Set('script style title template noscript noembed noframes svg math object iframe'.split(' '))
/** Elements that begin a line, and that end `<svg>` and `<math>` around them. HTML Standard §13.2.6.5. */
const blocks = new Set(
  'address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li listing main nav ol p plaintext pre section table tbody td th tr ul br xmp'.split(
    ' ',
  ),
)
/** Elements whose line ends and spaces are kept. */
const preformatted = new Set(['pre', 'listing', 'xmp', 'plaintext'])
/** Invisible characters that senders use to fill previews: soft hyphen, grapheme joiner, zero-width space and non-joiner, BOM. */
const unseen = new Set([0xad, 0x34f, 0x200b, 0x200c, 0xfeff])

/** Characters parsed at a time, so that a short preview of a long text is cheap. */
const pieceLength = 2_048

/**
 * The text of HTML, blocks on separate lines, lines of `<pre>` kept. Linear in the length of any input.
 * @param lengthMax stops after so many characters: a preview needs only the beginning.
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

/** Receives the tokens; their positions count from the start of the whole text. */
class TextReader {
  /** Characters of the result so far. */
  length = 0
  readonly #html: string
  readonly #lines: string[] = []
  /** The present line, in pieces. Kept apart from the result, or joining would cost more with each word. */
  #pieces: string[] = []
  #endsInSpace = true
  /** The open hidden element, and how many of the same name are open. */
  #skipping: string | undefined
  #skippingDepth = 0
  #preDepth = 0
  /** A line end directly after `<pre>` is not part of the text. */
  #preBegins = false
  /** The last line end was a CR; a following LF belongs to it. */
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

  /** CDATA sections are text only within `<svg>` and `<math>`, which are hidden. */
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
      // In other elements the slash is ignored.
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
