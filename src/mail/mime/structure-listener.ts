/** Parts told of while their message comes in. */
import type { Part } from './part.ts'

/** Is told of parts while the message comes in: each begins once and ends once, inside its parent. */
export interface StructureListener {
  /**
   * Its header is read and its kind is known; `bodyStart` holds unless the body turns out to be empty.
   * @param header as it stands, without the blank line.
   * @param body what was taken for header and is the beginning of the body, a character per byte; '' nearly always.
   */
  partBegins(part: Part, header: string, body: string): void
  /** Its ranges are final. */
  partEnds(part: Part): void
}

/** Tells a listener of each part once, whatever way its header ended. */
export class PartTeller {
  readonly #listener: StructureListener | undefined
  /** How many of the open parts, outermost first, the listener knows of. */
  #told = 0

  constructor(listener: StructureListener | undefined) {
    this.#listener = listener
  }

  begins(part: Part, header: string, body: string): void {
    if (this.#listener === undefined) return
    this.#told += 1
    this.#listener.partBegins(part, header, body)
  }

  /** @param depth how many parts are open around it. */
  ends(part: Part, depth: number): void {
    if (this.#listener === undefined) return
    // Its header never ended: what the message brought of it is nothing.
    if (this.#told === depth) this.begins(part, '', '')
    this.#told -= 1
    this.#listener.partEnds(part)
  }
}
