/** Whether an address field is what RFC 5322 §3.4 has, UTF-8 (RFC 6532) included, and of the obsolete forms (§4.4) those that
 * all programs read alike. */

const space = 0x20
const quote = 0x22
const backslash = 0x5c

/** 'name': a quoted string that looks like an address: right in a phrase, and no local part that all programs read alike. */
/** White space and comments; 'remark' where something that looks like an address stands in a comment. */
type Gap = 'gap' | 'remark'
type Token = 'atom' | 'quoted' | 'name' | 'literal' | '.' | '@' | '<' | '>' | ',' | ';' | ':'

/** Comments within comments: deeper ones are read by each program in its own way. */
const commentDepthMax = 50

/** What nearly all messages have: an address, in brackets with a name before them or alone. */
const usual =
  /^(?:(?:"[\w .,'-]*" ?|[\w '-]+ )?<[\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)*>|[\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)*)$/

/** @param value unfolded header text, a character per byte. */
export function isAddressListSyntax(value: string): boolean {
  if (usual.test(value)) return true
  if (!isUtf8(value)) return false
  const tokens = tokensOf(value)
  return tokens !== undefined && new ListGrammar(tokens).holds()
}

function isUtf8(text: string): boolean {
  if (!/[\x80-\xff]/.test(text)) return true
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'latin1'))
    return true
  } catch {
    return false
  }
}

/** undefined where a character stands that may not, or something is not closed. */
function tokensOf(text: string): (Token | Gap)[] | undefined {
  const tokens: (Token | Gap)[] = []
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    const char = text[at]!
    if (code === space || code === 0x09 || char === '(') {
      const start = at
      at = char === '(' ? closed(text, at, '(', ')') : at + 1
      if (at > 0 && !isGap(tokens.at(-1))) tokens.push('gap')
      if (char === '(' && text.slice(start, at).includes('@')) tokens[tokens.length - 1] = 'remark'
    } else if (char === '"') {
      const end = closed(text, at, '"', '"')
      tokens.push(/[@<>,;:]/.test(text.slice(at, end)) ? 'name' : 'quoted')
      at = end
    } else if (char === '[') {
      const end = closed(text, at, '[', ']')
      // dtext may be anything; an address is none of it.
      if (!/^\[[\w.: -]*\]$/.test(text.slice(at, end))) return undefined
      tokens.push('literal')
      at = end
    } else if ('.@<>,;:'.includes(char)) {
      tokens.push(char as Token)
      at += 1
    } else {
      const start = at
      while (at < text.length && isAtomCode(text.charCodeAt(at))) at += 1
      if (at === start) return undefined
      tokens.push('atom')
    }
    if (at === 0) return undefined
  }
  return tokens
}

function isGap(token: Token | Gap | undefined): token is Gap {
  return token === 'gap' || token === 'remark'
}

function isAtomCode(code: number): boolean {
  return code > space && code !== 0x7f && !'()<>[]:;@\\,."'.includes(String.fromCharCode(code))
}

/** Behind what closes it; 0 where nothing does, or a control character stands in it. Comments nest. */
function closed(text: string, start: number, open: string, close: string): number {
  let depth = 1
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if ((code < space && code !== 0x09) || code === 0x7f) return 0
    if (code === backslash) at += 1
    else if (text[at] === close) {
      depth -= 1
      if (depth === 0) return at + 1
    } else if (text[at] === open && code !== quote) {
      depth += 1
      if (open === '[' || depth > commentDepthMax) return 0
    }
  }
  return 0
}

/**
 * address-list with empty places (obs-addr-list), of mailboxes and groups; groups do not nest. White space and comments within an
 * address (obs-local-part, obs-domain) are where programs differ: none is let pass.
 */
class ListGrammar {
  readonly #tokens: readonly (Token | Gap)[]
  #at = 0

  constructor(tokens: readonly (Token | Gap)[]) {
    this.#tokens = tokens
  }

  holds(): boolean {
    let addresses = 0
    this.#gap()
    while (this.#at < this.#tokens.length) {
      if (this.#stands(',') && this.#isRemark()) return false
      if (this.#spaced(',')) continue
      if (!this.#address(true)) return false
      addresses += 1
      this.#gap()
      if (this.#at < this.#tokens.length && !this.#spaced(',')) return false
    }
    return addresses > 0 && !(this.#isRemark() && this.#tokens[this.#at - 2] === ',')
  }

  #stands(token: Token): boolean {
    return this.#tokens[this.#at] === token
  }

  /** Some programs take what a comment says for the address of a place that has none. */
  #isRemark(): boolean {
    return this.#tokens[this.#at - 1] === 'remark'
  }

  #gap(): void {
    if (isGap(this.#tokens[this.#at])) this.#at += 1
  }

  #takes(token: Token): boolean {
    if (this.#tokens[this.#at] !== token) return false
    this.#at += 1
    return true
  }

  /** With white space behind it. */
  #spaced(token: Token): boolean {
    if (!this.#takes(token)) return false
    this.#gap()
    return true
  }

  /** A phrase, with dots and white space in it and behind it. @returns how many words. */
  #words(): number {
    let words = 0
    for (;;) {
      const token = this.#tokens[this.#at]
      const isWord = token === 'atom' || token === 'quoted' || token === 'name'
      if (!isWord && !(words > 0 && (token === '.' || isGap(token)))) return words
      if (isWord) words += 1
      this.#at += 1
    }
  }

  /** `phrase <…>`, `phrase: members;` or an addr-spec: which one shows behind its words. */
  #address(mayBeGroup: boolean): boolean {
    const start = this.#at
    const words = this.#words()
    if (this.#takes('<')) return this.#inBrackets()
    if (words > 0 && mayBeGroup && this.#spaced(':')) return this.#members()
    this.#at = start
    return this.#addrSpec()
  }

  #members(): boolean {
    // A group without members is empty too.
    if (this.#stands(';') && this.#isRemark()) return false
    while (!this.#takes(';')) {
      if (this.#stands(',') && this.#isRemark()) return false
      if (this.#spaced(',')) {
        if (this.#stands(';') && this.#isRemark()) return false
        continue
      }
      if (!this.#address(false)) return false
      this.#gap()
      if (this.#tokens[this.#at] !== ',' && this.#tokens[this.#at] !== ';') return false
    }
    return true
  }

  /** Without the obsolete route: programs differ in what they make of one. */
  #inBrackets(): boolean {
    this.#gap()
    if (!this.#addrSpec()) return false
    this.#gap()
    return this.#takes('>')
  }

  #addrSpec(): boolean {
    return this.#dotted(true) && this.#takes('@') && (this.#takes('literal') || this.#dotted(false))
  }

  /** Words with a dot between each two. */
  #dotted(quoted: boolean): boolean {
    do {
      if (!this.#takes('atom') && !(quoted && this.#takes('quoted'))) return false
    } while (this.#takes('.'))
    return true
  }
}
