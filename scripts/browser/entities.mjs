// What pennypost/mail and the tokenizer of htmlparser2 use of `entities/decode`, for browsers: they know the named references of HTML
// themselves, which spares a table of 15 KB. Where there is no document (workers), or it may not be asked (Trusted Types), the references of
// HTML 2 and the usual ones of typography are known. HTML Standard §13.2.5.72 to §13.2.5.84.

export const DecodingMode = { Legacy: 0, Strict: 1, Attribute: 2 }
/** The decoder needs no tree: these only tell the two languages apart. */
export const htmlDecodeTree = 'html'
export const xmlDecodeTree = 'xml'

/** The longest name has 31 letters and digits. */
const nameMax = 32
/** Digits of a number beyond which it is no character in any case; more are passed over. */
const keptMax = 500

const latin =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml'.split(
    ' ',
  )
/** By name; those of `bare` are also known without a semicolon. */
const few = new Map([
  ...latin.map((name, at) => [name, String.fromCharCode(0xa0 + at)]),
  ...Object.entries({
    ...{ amp: '&', lt: '<', gt: '>', quot: '"', AMP: '&', LT: '<', GT: '>', QUOT: '"', COPY: '©', REG: '®', apos: "'" },
    ...{ ndash: '–', mdash: '—', lsquo: '‘', rsquo: '’', sbquo: '‚', ldquo: '“', rdquo: '”', bdquo: '„' },
    ...{ hellip: '…', bull: '•', euro: '€', trade: '™', lsaquo: '‹', rsaquo: '›', permil: '‰', minus: '−' },
    ...{
      ensp: '\u2002',
      emsp: '\u2003',
      thinsp: '\u2009',
      zwnj: '\u200c',
      zwj: '\u200d',
      lrm: '\u200e',
      rlm: '\u200f',
    },
    ...{ scaron: 'š', Scaron: 'Š', oelig: 'œ', OElig: 'Œ', Yuml: 'Ÿ', rarr: '→', larr: '←', check: '✓' },
  }),
])
const bare = new Set([...latin, ...'amp lt gt quot AMP LT GT QUOT COPY REG'.split(' ')])

const kept = new Map()

/** @param name letters and digits, perhaps with a semicolon. @returns what it begins with, and how much of it that is; undefined: nothing. */
function named(name) {
  let found = kept.get(name)
  if (found === undefined) {
    found = askDocument(name) ?? askTable(name)
    if (kept.size >= keptMax) kept.clear()
    kept.set(name, found)
  }
  return found === false ? undefined : found
}

/** undefined: there is none that may be asked. */
function askDocument(name) {
  try {
    const element = globalThis.document?.createElement('div')
    if (!element) return undefined
    // Letters, digits and a semicolon: nothing but a reference can come of it.
    element.innerHTML = `&${name}`
    const text = element.textContent
    if (text === `&${name}` || text === '') return false
    let length = 1
    while (!text.endsWith(name.slice(length))) length++
    return { text: text.slice(0, text.length - (name.length - length)), length }
  } catch {
    return undefined
  }
}

function askTable(name) {
  if (name.endsWith(';') && few.has(name.slice(0, -1))) return { text: few.get(name.slice(0, -1)), length: name.length }
  for (let length = name.length; length > 1; length--) {
    const part = name.slice(0, length)
    if (bare.has(part)) return { text: few.get(part), length }
  }
  return false
}

/** What stands for 0x80 to 0x9f: windows-1252, as pages that mean it have it. */
const c1 = '€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ'

function ofNumber(code) {
  if (code === 0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return '\ufffd'
  const replaced = code >= 0x80 && code <= 0x9f ? c1[code - 0x80] : ' '
  return replaced === ' ' ? String.fromCodePoint(code) : replaced
}

/** @param body what follows the `&`, up to a semicolon or what can be of no reference. @returns as `named` does. */
function reference(body) {
  const number = /^#(?:(\d+)|[xX]([\da-fA-F]+));?/.exec(body)
  if (!number) return body === '' || body[0] === '#' ? undefined : named(body)
  const [{ length }, decimal, hexadecimal] = number
  const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal)
  return { text: ofNumber(code), length }
}

/** References in a text, names also without a semicolon where HTML lets them. */
export function decodeHTML(text) {
  return text.replace(/&(?:#\d+;?|#[xX][\da-fA-F]+;?|[A-Za-z][A-Za-z\d]{0,31};?)/g, (whole) => {
    const found = reference(whole.slice(1))
    return found ? found.text + whole.slice(1 + found.length) : whole
  })
}

/** Takes a reference in pieces, as the tokenizer has them. */
export class EntityDecoder {
  #emit
  #mode = DecodingMode.Legacy
  #body = ''
  /** Digits that were passed over. */
  #more = 0

  /** @param emit told of each character and of the length of the reference with its `&`. */
  constructor(_tree, emit) {
    this.#emit = emit
  }

  startEntity(mode) {
    this.#mode = mode
    this.#body = ''
    this.#more = 0
  }

  /** @returns the length of the reference; 0 where it is none; -1 where more has to come. */
  write(input, offset) {
    for (let at = offset; at < input.length; at++) {
      const next = input[at]
      if (next === ';' && this.#body !== '') {
        this.#body += next
        return this.#finish('')
      }
      if (!this.#belongs(next)) return this.#finish(next)
      if (this.#body.length < nameMax) this.#body += next
      else this.#more++
    }
    return -1
  }

  end() {
    return this.#finish('')
  }

  #belongs(next) {
    const body = this.#body
    if (body === '') return next === '#' || /[A-Za-z]/.test(next)
    if (body[0] !== '#') return body.length < nameMax && /[A-Za-z\d]/.test(next)
    if (body === '#') return /[\dxX]/.test(next)
    return /[xX]/.test(body[1]) ? /[\da-fA-F]/.test(next) : /\d/.test(next)
  }

  #finish(next) {
    const found = reference(this.#body)
    if (!found) return 0
    const ended = this.#body[found.length - 1] === ';'
    const behind = this.#body[found.length] ?? next
    if (!ended && this.#mode === DecodingMode.Strict) return 0
    if (!ended && this.#mode === DecodingMode.Attribute && this.#body[0] !== '#' && /[=A-Za-z\d]/.test(behind)) return 0
    const length = 1 + found.length + this.#more
    for (const character of found.text) this.#emit(character.codePointAt(0), length)
    return length
  }
}
