/** What the peer mis-spelled. Answered BAD in `session.ts`, and nowhere else. */
export class SyntaxFault extends Error {
  /** Byte offset in the command, or -1 where none can be named. */
  readonly at: number
  /** What should have stood there, in words that go to the client. */
  readonly expected: string
  /** The grammar's production or the section that says so. */
  readonly rule: string
  constructor(at: number, expected: string, rule: string) {
    super(`Expected ${expected}`)
    this.name = 'SyntaxFault'
    this.at = at
    this.expected = expected
    this.rule = rule
  }
}
