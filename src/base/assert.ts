/** Assertions, for our own bugs: a failed one ends the session with 451 or NO [SERVERBUG], and the stack goes to the log. */

export class AssertionFault extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AssertionFault'
  }
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFault(message)
}

/** Closes a switch over a tagged union: the compiler complains when a case is missing. */
export function never(value: never): never {
  throw new AssertionFault(`unexpected ${JSON.stringify(value)}`)
}
