/** What a verb of POP3 is: a row of commands.ts. */
import type { Action } from '../action.ts'
import { Pop3Fault } from './reply.ts'
import type { Pop3State } from './state.ts'

export interface Pop3Command {
  readonly name: string
  /** RFC 1939 §3: before login, after it, or both. */
  readonly state: 'authorization' | 'transaction' | 'any'
  /** The CAPA lines that this verb earns in the present state. RFC 2449 §5. */
  capa?(state: Pop3State): readonly string[]
  /** Answers with bytes at once, with a promise of them, or with an action of its own. Throws Pop3Fault, Pop3Refusal, Refusal. */
  run(state: Pop3State, args: readonly string[]): Uint8Array | Promise<Uint8Array> | Action
}

/** A message number that exists and is not deleted; answers its index. */
export function messageIndex(state: Pop3State, text: string | undefined): number {
  const number = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : 0
  const index = number - 1
  if (number < 1 || !state.maildrop.messages[index] || state.deleted.has(index))
    throw new Pop3Fault((words) => words.noSuchMessage)
  return index
}
