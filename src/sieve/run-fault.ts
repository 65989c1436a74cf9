/** Ends a run: the message is kept, and the owner told why. RFC 5228 §2.10.6. It never leaves the engine. */
export class RunFault extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'RunFault'
  }
}
