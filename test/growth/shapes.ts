/** Hostile inputs, made of the tokens of a grammar: one of them over and over, two in turn, and many of one before many of another. */

export interface Shape {
  readonly name: string
  /** About so many characters. */
  make(size: number): string
}

/** One token over and over, two in turn, and many of one before many of another: at least twelve of four tokens. */
export function shapesOf(tokens: readonly string[], start = '', end = ''): Shape[] {
  const shapes = repeated(tokens, start, end)
  for (const [at, one] of tokens.entries()) {
    const other = tokens[(at + 1) % tokens.length]!
    shapes.push({
      name: name(start, `${one}${other}`, '…', end),
      make: (size) => start + fill(one + other, size) + end,
    })
    shapes.push({
      name: name(start, one, '…', other, '…', end),
      make: (size) => start + fill(one, size / 2) + fill(other, size / 2) + end,
    })
    shapes.push({
      name: name(start, other, '…', one, '…', end),
      make: (size) => start + fill(other, size / 2) + fill(one, size / 2) + end,
    })
  }
  return shapes
}

/** One token over and over. */
export function repeated(tokens: readonly string[], start: string, end = ''): Shape[] {
  return tokens.map((one) => ({ name: name(start, one, '…', end), make: (size) => start + fill(one, size) + end }))
}

function name(...parts: string[]): string {
  return JSON.stringify(parts.join(''))
}

export function fill(token: string, size: number): string {
  return token.repeat(Math.max(1, Math.floor(size / token.length)))
}
