/** What checks note about a message that they let pass, and all of it together. */
import type { Edit } from '../mail/edit.ts'
import type { Judgement } from './judgement.ts'

/** One note of one check. All of it is optional; what is absent changes nothing. */
export interface Note {
  /** Fields in front of the message, as `Name: value`. Our signature covers them. */
  readonly headers?: readonly string[]
  /** Added to the scores of other checks; negative: in favour of the message. What the sum means, `threshold` decides. */
  readonly score?: number
  /** Filed into Junk. */
  readonly junk?: boolean
  /** Accepted, but waits in the queue until an operator releases it. */
  readonly hold?: boolean
  /** Addresses that get a copy, unknown to the sender. */
  readonly copies?: readonly string[]
  /** Changes of the bytes as they arrived. Of edits that overlap, the first in order of position counts. */
  readonly edits?: readonly Edit[]
  /** The only recipient from now on; the first such note counts. */
  readonly redirect?: string
  /** Accepted and deleted; the ledger keeps this name of a rule. The first such note counts. */
  readonly discard?: string
  /** Names of rules that matched, for `pennypost trace`. */
  readonly fitted?: readonly string[]
  readonly judgement?: Judgement
}

/** The notes of all checks, in their order. */
export interface MessageNotes extends Note {
  readonly headers: readonly string[]
  readonly score: number
  readonly junk: boolean
  readonly hold: boolean
  readonly copies: readonly string[]
  readonly edits: readonly Edit[]
  readonly fitted: readonly string[]
}

export interface NoteOf {
  readonly check: string
  readonly note: Note
}

export const noNotes: MessageNotes = {
  headers: [],
  score: 0,
  junk: false,
  hold: false,
  copies: [],
  edits: [],
  fitted: [],
}

export function gatherNotes(noted: readonly NoteOf[]): MessageNotes {
  if (noted.length === 0) return noNotes
  const notes = noted.map(({ note }) => note)
  const first = <Key extends 'redirect' | 'discard' | 'judgement'>(key: Key): Note[Key] =>
    notes.find((note) => note[key] !== undefined)?.[key]
  return {
    headers: notes.flatMap(({ headers = [] }) => headers),
    score: notes.reduce((sum, { score = 0 }) => sum + score, 0),
    junk: notes.some(({ junk }) => junk),
    hold: notes.some(({ hold }) => hold),
    copies: notes.flatMap(({ copies = [] }) => copies),
    edits: notes.flatMap(({ edits = [] }) => edits),
    redirect: first('redirect'),
    discard: first('discard'),
    fitted: noted.flatMap(({ check, note }) => wordsOf(check, note)),
    judgement: first('judgement'),
  }
}

function wordsOf(check: string, { score, fitted = [] }: Note): readonly string[] {
  return score === undefined ? fitted : [...fitted, `${check}: score ${score}`]
}

/** What is wrong with a note: an error of its check. undefined: nothing. */
export function faultOfNote({ headers = [], score = 0 }: Note): string | undefined {
  if (!Number.isFinite(score)) return 'a score that is not a number'
  // Otherwise the answer of a filter could add a field, or a body, of its own.
  const odd = headers.some((header) => !/^[!-9;-~]+:[^\r\n\0]*$/.test(header))
  return odd ? 'a header field that is not `Name: value` on one line' : undefined
}
