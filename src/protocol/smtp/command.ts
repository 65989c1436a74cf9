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
  /** Whether this client may have it: HELP tells others nothing of it. Everybody when absent. */
  offered?(state: ServerState): boolean
  /** What HELP says. */
  readonly help: string
  /** Answers with bytes at once, with a promise of them, or with an action of its own. Throws SyntaxFault, Refusal. */
  run(state: ServerState, argument: Buffer): Uint8Array | Promise<Uint8Array> | Action
}

/** Why a verb is out of order; undefined: it is not. RFC 5321 §4.1.4. */
export function missingFor(needs: Needs, { helo, transaction, recipients, options }: ServerState): string | undefined {
  if (needs === 'nothing') return undefined
  if (helo === undefined) return `Say ${options.service === 'lmtp' ? 'LHLO' : 'EHLO'} first`
  if (needs === 'hello') return undefined
  if (!transaction) return 'Say MAIL first'
  if (needs === 'recipients' && recipients === 0) return 'Say RCPT first'
  return undefined
}
