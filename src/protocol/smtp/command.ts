/** What a verb of SMTP is: a row of commands.ts. */
import type { Action } from '../action.ts'
import type { ServerState } from './state.ts'

/** The state in which a verb makes sense; otherwise 503. */
export type Needs = 'nothing' | 'hello' | 'transaction' | 'recipients'

export interface SmtpCommand {
  readonly name: string
  readonly needs: Needs
  /** Services that have the verb; all when absent. */
  readonly services?: readonly ('smtp' | 'submission' | 'submissions' | 'lmtp')[]
  /** The EHLO keyword that this verb earns in the present state, or undefined. RFC 5321 §2.2.2. */
  ehlo?(state: ServerState): string | undefined
  /** What HELP says. */
  readonly help: string
  /** Answers with bytes at once, with a promise of them, or with an action of its own. Throws SyntaxFault, Refusal. */
  run(state: ServerState, argument: Buffer): Uint8Array | Promise<Uint8Array> | Action
}
