/** IMAP response values to nested arrays, for comparisons. */

export type ImapValue = string | number | null | ImapValue[]

/** Reads one value of IMAP text (one character per byte). Throws where parentheses, quotes or literals do not close. */
export function readImapValue(text: string, start = 0): { value: ImapValue; end: number } {
  // A list of open lists instead of recursion: hostile trees are deep.
  const open: ImapValue[][] = []
  let pos = start
  for (;;) {
    while (text[pos] === ' ') pos += 1
    let value: ImapValue
    const char = text[pos]
    if (char === undefined) throw new Error('IMAP value ends early')
    if (char === '(') {
      open.push([])
      pos += 1
      continue
    }
    if (char === ')') {
      const list = open.pop()
      if (list === undefined) throw new Error(`unbalanced ) at ${pos}`)
      value = list
      pos += 1
    } else if (char === '"') {
      const read = readQuoted(text, pos)
      value = read.value
      pos = read.end
    } else if (char === '{') {
      const head = /^\{(\d+)\}\r\n/.exec(text.slice(pos, pos + 20))
      if (head === null) throw new Error(`bad literal at ${pos}`)
      const from = pos + head[0].length
      const to = from + Number(head[1])
      if (to > text.length) throw new Error('literal ends early')
      value = text.slice(from, to)
      if (value.includes('\0')) throw new Error('NUL in literal')
      pos = to
    } else {
      const atom = /^[^\s()"{]+/.exec(text.slice(pos, pos + 40))
      if (atom === null) throw new Error(`bad value at ${pos}: ${JSON.stringify(text.slice(pos, pos + 20))}`)
      if (atom[0] !== 'NIL' && !/^\d+$/.test(atom[0])) throw new Error(`bad atom ${atom[0]}`)
      value = atom[0] === 'NIL' ? null : Number(atom[0])
      pos += atom[0].length
    }
    const parent = open.at(-1)
    if (parent === undefined) return { value, end: pos }
    parent.push(value)
  }
}

function readQuoted(text: string, start: number): { value: string; end: number } {
  let value = ''
  for (let pos = start + 1; pos < text.length; pos += 1) {
    const char = text[pos]!
    if (char === '"') return { value, end: pos + 1 }
    if (char === '\r' || char === '\n' || char === '\0' || char > '\x7f')
      throw new Error(`bad quoted character at ${pos}`)
    if (char === '\\') {
      pos += 1
      if (text[pos] !== '"' && text[pos] !== '\\') throw new Error(`bad escape at ${pos}`)
    }
    value += text[pos]
  }
  throw new Error('quoted string does not end')
}
