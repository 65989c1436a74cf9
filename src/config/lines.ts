/** On which line each key of a TOML text stands: the parser gives values only, and a fault without its line is half a fault. TOML v1.0.0. */

/** `tls.certificate[1].key` */
export type KeyPath = string

export class Lines {
  readonly #lines = new Map<KeyPath, number>()

  set(path: KeyPath, line: number): void {
    if (!this.#lines.has(path)) this.#lines.set(path, line)
  }

  /** Of the key, or of the nearest thing around it; 1-based. */
  of(path: KeyPath): number {
    for (let at = path; at !== ''; at = parentOf(at)) {
      const line = this.#lines.get(at)
      if (line !== undefined) return line
    }
    return 1
  }
}

function parentOf(path: KeyPath): KeyPath {
  const cut = Math.max(path.lastIndexOf('.'), path.lastIndexOf('['))
  return cut < 0 ? '' : path.slice(0, cut)
}

export function childPath(path: KeyPath, key: string): KeyPath {
  return path === '' ? key : `${path}.${key}`
}

/** @param source a text that a TOML parser has accepted; for others the answer is of no use, but comes. */
export function keyLines(source: string): Lines {
  const reader = new Reader(source)
  reader.document()
  return reader.lines
}

class Reader {
  readonly lines = new Lines()
  readonly #source: string
  #at = 0
  #line = 1
  /** How often `[[name]]` was seen. */
  readonly #entries = new Map<KeyPath, number>()

  constructor(source: string) {
    this.#source = source
  }

  document(): void {
    let table: KeyPath = ''
    for (this.#blank(); this.#at < this.#source.length; this.#blank()) {
      if (this.#source[this.#at] === '[') table = this.#header()
      else this.#pair(table)
    }
  }

  #step(): void {
    if (this.#source[this.#at++] === '\n') this.#line++
  }

  #skip(count: number): void {
    for (let i = 0; i < count; i++) this.#step()
  }

  /** White space, line ends and comments. */
  #blank(): void {
    for (; this.#at < this.#source.length; this.#step()) {
      const character = this.#source[this.#at]!
      if (character === '#') while (this.#at < this.#source.length && this.#source[this.#at] !== '\n') this.#at++
      else if (!/\s/.test(character)) return
    }
  }

  #header(): KeyPath {
    const line = this.#line
    const array = this.#source.startsWith('[[', this.#at)
    this.#skip(array ? 2 : 1)
    let path: KeyPath = ''
    const keys = this.#keys(']')
    keys.forEach((key, i) => {
      path = childPath(path, key)
      if (i === keys.length - 1 && array) {
        const entry = this.#entries.get(path) ?? 0
        this.#entries.set(path, entry + 1)
        // The list itself begins with its first entry.
        this.lines.set(path, line)
        path = `${path}[${entry}]`
      } else if (this.#entries.has(path)) path = `${path}[${this.#entries.get(path)! - 1}]`
      this.lines.set(path, line)
    })
    this.#skip(array ? 2 : 1)
    return path
  }

  #pair(table: KeyPath): void {
    const line = this.#line
    let path = table
    for (const key of this.#keys('=')) {
      path = childPath(path, key)
      this.lines.set(path, line)
    }
    this.#step()
    this.#blank()
    this.#value(path)
  }

  /** A dotted key up to `end`, which is left standing. */
  #keys(end: string): string[] {
    const keys: string[] = []
    while (this.#at < this.#source.length && this.#source[this.#at] !== end) {
      const character = this.#source[this.#at]!
      if (character === '"' || character === "'") keys.push(this.#string())
      else if (/[\w-]/.test(character)) {
        const start = this.#at
        while (/[\w-]/.test(this.#source[this.#at] ?? '')) this.#at++
        keys.push(this.#source.slice(start, this.#at))
      } else this.#step()
    }
    return keys
  }

  /** Basic and literal strings, of one line or many; the inside as written. */
  #string(): string {
    const quote = this.#source[this.#at]!
    const many = this.#source.startsWith(quote.repeat(3), this.#at)
    const fence = many ? quote.repeat(3) : quote
    this.#skip(fence.length)
    const start = this.#at
    while (this.#at < this.#source.length && !this.#source.startsWith(fence, this.#at)) {
      this.#skip(quote === '"' && this.#source[this.#at] === '\\' ? 2 : 1)
    }
    const inside = this.#source.slice(start, this.#at)
    this.#skip(fence.length)
    // Up to two quotes may stand before the closing three.
    if (many) while (this.#source[this.#at] === quote) this.#step()
    return inside
  }

  #value(path: KeyPath): void {
    const character = this.#source[this.#at]
    if (character === '"' || character === "'") this.#string()
    else if (character === '[') this.#items(']', (entry) => this.#entry(`${path}[${entry}]`))
    else if (character === '{') this.#items('}', () => this.#pair(path))
    else while (this.#at < this.#source.length && !/[,\]}\s#]/.test(this.#source[this.#at]!)) this.#at++
  }

  #entry(path: KeyPath): void {
    this.lines.set(path, this.#line)
    this.#value(path)
  }

  #items(end: string, item: (entry: number) => void): void {
    this.#step()
    for (let entry = 0; ; entry++) {
      this.#blank()
      if (this.#at >= this.#source.length || this.#source[this.#at] === end) break
      const before = this.#at
      item(entry)
      this.#blank()
      if (this.#source[this.#at] === ',') this.#step()
      else if (this.#at === before) this.#step()
    }
    this.#step()
  }
}
