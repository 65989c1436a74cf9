/**
 * The match type `:matches`: `*` for any characters, `?` for one. RFC 5228 §2.7.1, RFC 5229 §3.2.
 *
 * A pattern is cut at its stars. The first piece stands at the start, the last at the end, and each between them at the first place
 * where it is found: what a star takes is then as little as possible, and no choice is ever taken back. The cost is the product of both
 * lengths at most, and their sum where no `?` is.
 */

/** One character that stands for itself, a run of such, or a `?`. */
type Atom = string | typeof anyOne
const anyOne = Symbol('?')

interface Piece {
  readonly atoms: readonly Atom[]
  /** The piece without a `?`: it is searched for by the platform. */
  readonly literal: string | undefined
}

export interface Wildcard {
  readonly pieces: readonly Piece[]
  /** For each wildcard of the pattern in its order. */
  readonly wildcards: number
  /** Units of the pattern if a `?` is searched for, which costs the product; else 1. */
  readonly weight: number
}

/** Reads a pattern; a backslash takes the next character as it is. Any string is one. */
export function parseWildcard(pattern: string, fold: (text: string) => string): Wildcard {
  const pieces: Piece[] = []
  let atoms: Atom[] = []
  let literal: string[] = []
  const endLiteral = (): void => {
    if (literal.length > 0) atoms.push(fold(literal.join('')))
    literal = []
  }
  const endPiece = (): void => {
    endLiteral()
    const isLiteral = atoms.length === 0 || (atoms.length === 1 && typeof atoms[0] === 'string')
    pieces.push({ atoms, literal: isLiteral ? ((atoms[0] as string | undefined) ?? '') : undefined })
    atoms = []
  }
  let wildcards = 0
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at]!
    if (char === '*') {
      endPiece()
      wildcards += 1
    } else if (char === '?') {
      endLiteral()
      atoms.push(anyOne)
      wildcards += 1
    } else if (char === '\\' && at + 1 < pattern.length) literal.push(pattern[(at += 1)]!)
    else literal.push(char)
  }
  endPiece()
  return { pieces, wildcards, weight: pieces.every((piece) => piece.literal !== undefined) ? 1 : pattern.length }
}

/** A value that is looked at, folded; `next(at)` is the place behind the character at `at`, `last(at)` that of the character before. */
export interface Subject {
  readonly text: string
  next(at: number): number
  previous(at: number): number
}

/** Characters of text that keeps its places. */
export function plainSubject(text: string): Subject {
  return {
    text,
    next: (at) => at + (isPair(text, at) ? 2 : 1),
    previous: (at) => at - (isPair(text, at - 2) ? 2 : 1),
  }
}

function isPair(text: string, at: number): boolean {
  const high = text.charCodeAt(at)
  if (!(high >= 0xd800 && high < 0xdc00)) return false
  const low = text.charCodeAt(at + 1)
  return low >= 0xdc00 && low < 0xe000
}

/** What each wildcard took, as [start, end) of the subject; undefined if it does not match. */
export function matchWildcard(
  { pieces }: Wildcard,
  subject: Subject,
): readonly (readonly [number, number])[] | undefined {
  const { length } = subject.text
  const taken: (readonly [number, number])[] = []
  const [first] = pieces as [Piece]
  if (pieces.length === 1) return matchAt(first, subject, 0, taken) === length ? taken : undefined
  let at = matchAt(first, subject, 0, taken)
  if (at < 0) return undefined
  for (const piece of pieces.slice(1, -1)) {
    const found = search(piece, subject, at)
    if (found < 0) return undefined
    taken.push([at, found])
    at = matchAt(piece, subject, found, taken)
  }
  const last = pieces.at(-1)!
  const start = startBeforeEnd(last, subject, at)
  if (start < 0) return undefined
  taken.push([at, start])
  matchAt(last, subject, start, taken)
  return taken
}

/** The place behind the piece if it stands at `start`; -1 if it does not. */
function matchAt(piece: Piece, subject: Subject, start: number, taken?: (readonly [number, number])[]): number {
  let at = start
  const before = taken?.length ?? 0
  for (const atom of piece.atoms) {
    if (typeof atom === 'string') {
      if (!subject.text.startsWith(atom, at)) {
        if (taken !== undefined) taken.length = before
        return -1
      }
      at += atom.length
    } else {
      if (at >= subject.text.length) {
        if (taken !== undefined) taken.length = before
        return -1
      }
      const next = subject.next(at)
      taken?.push([at, next])
      at = next
    }
  }
  return at
}

function search(piece: Piece, subject: Subject, from: number): number {
  if (piece.literal !== undefined) return subject.text.indexOf(piece.literal, from)
  for (let at = from; at <= subject.text.length; at = subject.next(at)) if (matchAt(piece, subject, at) >= 0) return at
  return -1
}

/** Where the last piece begins if it ends with the subject, at `from` or later; -1 if it does not. */
function startBeforeEnd({ atoms }: Piece, subject: Subject, from: number): number {
  let at = subject.text.length
  for (const atom of atoms.toReversed()) {
    if (typeof atom === 'string') {
      at -= atom.length
      if (at < from || !subject.text.startsWith(atom, at)) return -1
    } else {
      if (at <= from) return -1
      at = subject.previous(at)
    }
  }
  return at < from ? -1 : at
}
