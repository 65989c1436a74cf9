/** HTML as plain text, for previews, search and readers without HTML. No HTML is made here: nothing of it may be trusted as such. */

/** Elements whose content nobody reads. */
const hidden = new Set(['head', 'script', 'style', 'title', 'template', 'noscript', 'svg', 'math', 'object', 'iframe'])
/** Elements that begin a line. */
const blocks = new Set(
  'address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tbody td th tr ul br'.split(
    ' ',
  ),
)

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
  zwnj: '',
  zwj: '',
  shy: '',
  copy: '©',
  reg: '®',
  trade: '™',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  lsquo: '‘',
  rsquo: '’',
  sbquo: '‚',
  ldquo: '“',
  rdquo: '”',
  bdquo: '„',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  sect: '§',
  para: '¶',
  deg: '°',
  euro: '€',
  pound: '£',
  yen: '¥',
  cent: '¢',
  times: '×',
  agrave: 'à',
  aacute: 'á',
  acirc: 'â',
  atilde: 'ã',
  auml: 'ä',
  aring: 'å',
  aelig: 'æ',
  ccedil: 'ç',
  egrave: 'è',
  eacute: 'é',
  ecirc: 'ê',
  euml: 'ë',
  igrave: 'ì',
  iacute: 'í',
  icirc: 'î',
  iuml: 'ï',
  ntilde: 'ñ',
  ograve: 'ò',
  oacute: 'ó',
  ocirc: 'ô',
  otilde: 'õ',
  ouml: 'ö',
  oslash: 'ø',
  ugrave: 'ù',
  uacute: 'ú',
  ucirc: 'û',
  uuml: 'ü',
  yacute: 'ý',
  szlig: 'ß',
  Agrave: 'À',
  Aacute: 'Á',
  Acirc: 'Â',
  Auml: 'Ä',
  Aring: 'Å',
  AElig: 'Æ',
  Ccedil: 'Ç',
  Egrave: 'È',
  Eacute: 'É',
  Ecirc: 'Ê',
  Iacute: 'Í',
  Ntilde: 'Ñ',
  Oacute: 'Ó',
  Ouml: 'Ö',
  Oslash: 'Ø',
  Uacute: 'Ú',
  Uuml: 'Ü',
}

export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}));?/g,
    (whole, decimal, hex, name: string) => {
      if (name !== undefined) return Object.hasOwn(named, name) ? named[name]! : whole
      const code = decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal)
      return code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? '\ufffd' : String.fromCodePoint(code)
    },
  )
}

/**
 * The text of HTML, blocks on lines of their own. Linear in its input, whatever that is.
 * @param lengthMax characters after which no more are gathered: a preview needs the beginning only.
 */
export function htmlToText(html: string, lengthMax = Infinity): string {
  const lines: string[] = []
  /** The line that is being written: short, or joining it would cost more with each word. */
  let pieces: string[] = []
  let length = 0
  let at = 0
  let skipping: string | undefined
  const add = (text: string): void => {
    const flat = decodeEntities(text).replace(/[ \t\r\n\f\u00a0]+/g, ' ')
    const piece = pieces.length === 0 || pieces.at(-1)!.endsWith(' ') ? flat.trimStart() : flat
    if (piece === '') return
    pieces.push(piece)
    length += piece.length
  }
  const lineBreak = (): void => {
    const line = pieces.join('').trimEnd()
    pieces = []
    if (line !== '') lines.push(line)
  }
  while (at < html.length && length < lengthMax) {
    const open = html.indexOf('<', at)
    if (open < 0) {
      if (skipping === undefined) add(html.slice(at))
      break
    }
    if (open > at && skipping === undefined) add(html.slice(at, open))
    if (html.startsWith('<!--', open)) {
      const close = html.indexOf('-->', open + 4)
      at = close < 0 ? html.length : close + 3
      continue
    }
    const match = /^<(\/?)([a-zA-Z][a-zA-Z0-9:-]*)/.exec(html.slice(open, open + 40))
    if (!match) {
      // A `<` of the text.
      if (skipping === undefined) add('<')
      at = open + 1
      continue
    }
    // For a tag alone: for each `<` of a row of them it would be looked for to the end.
    const close = html.indexOf('>', open)
    // A tag that never ends.
    if (close < 0) break
    const name = match[2]!.toLowerCase()
    at = close + 1
    if (skipping !== undefined) {
      if (match[1] === '/' && name === skipping) skipping = undefined
      continue
    }
    if (hidden.has(name) && match[1] === '' && html[close - 1] !== '/') skipping = name
    else if (blocks.has(name)) lineBreak()
  }
  lineBreak()
  return lines.join('\n')
}
