/** A string that is tested, with what comparing it costs once. RFC 5228 §2.7. */
import type { Comparator } from './comparator.ts'
import { plainSubject, type Subject } from './wildcard.ts'

/** Folded text, and where each of its places is in the text. */
interface Placed {
  readonly subject: Subject
  origin(at: number): number
}

/** Rules look at the same few fields again and again: each is folded once for a comparator. */
export class Value {
  readonly text: string
  #comparator: Comparator | undefined
  #folded = ''
  #moved: { readonly comparator: Comparator; readonly placed: Placed } | undefined

  constructor(text: string) {
    this.text = text
  }

  folded(comparator: Comparator): string {
    if (this.#comparator !== comparator) {
      this.#comparator = comparator
      this.#folded = comparator.fold(this.text)
    }
    return this.#folded
  }

  /** The folded text, and how to get from its places to those of the text. */
  subject(comparator: Comparator): Placed {
    if (comparator.keepsPlaces) return { subject: plainSubject(this.folded(comparator)), origin: (at) => at }
    if (this.#moved?.comparator !== comparator)
      this.#moved = { comparator, placed: movedSubject(this.text, comparator) }
    return this.#moved.placed
  }
}

/** A character may fold to several: they are one for `?`, and are found again by where they came from. */
function movedSubject(text: string, comparator: Comparator): Placed {
  const folded: string[] = []
  /** For each unit of the folded text, and for its end, where its character begins in the text. */
  const origins: number[] = []
  let at = 0
  for (const char of text) {
    const own = comparator.fold(char)
    for (let unit = 0; unit < own.length; unit += 1) origins.push(at)
    folded.push(own)
    at += char.length
  }
  origins.push(at)
  const subject: Subject = {
    text: folded.join(''),
    next(from) {
      let to = from + 1
      while (to < origins.length - 1 && origins[to] === origins[from]) to += 1
      return to
    },
    previous(from) {
      let to = from - 1
      while (to > 0 && origins[to - 1] === origins[to]) to -= 1
      return to
    },
  }
  return { subject, origin: (from) => origins[from] ?? text.length }
}

export function valuesOf(texts: readonly string[]): Value[] {
  return texts.map((text) => new Value(text))
}
