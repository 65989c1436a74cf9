/**
 * What a run asks its host, and what it is answered. A run touches nothing itself: it stops at each question, and goes on with
 * the answer. Answers are plain data (but for included scripts), so that they can be recorded and a run be repeated.
 */
import type { SieveScript } from './script.ts'

export type Question =
  /** Whether mail can be filed there. RFC 5490 §3.1. */
  | { readonly kind: 'mailbox'; readonly mailbox: string }
  /** Whether a mailbox has this attribute; without a mailbox, whether any has. RFC 8579 §3. */
  | { readonly kind: 'specialUse'; readonly mailbox?: string; readonly use: string }
  /** Whether a mailbox with this id exists, and mail can be filed there. RFC 9042 §6. */
  | { readonly kind: 'mailboxId'; readonly mailboxId: string }
  /** Whether this was seen within the time, or since its last occurrence. RFC 7352 §3. */
  | DuplicateQuestion
  /** An item of the environment; undefined if it is not known. RFC 5183 §4. */
  | { readonly kind: 'environment'; readonly name: string }
  /** The date and the offset of the server's zone. RFC 5260 §5. */
  | { readonly kind: 'now' }
  | BodyQuestion
  /** How likely the message is spam, from 0 to 1; undefined if it was not looked at. RFC 5235 §2. */
  | { readonly kind: 'spam' }
  /** 0: not looked at, 1: no virus, 2: cured, 3: maybe cured, 4: maybe infected, 5: infected. RFC 5235 §3. */
  | { readonly kind: 'virus' }
  /** A script to include; undefined if there is none of that name. RFC 6609 §3.2. */
  | { readonly kind: 'script'; readonly location: 'personal' | 'global'; readonly name: string }

export interface DuplicateQuestion {
  readonly kind: 'duplicate'
  readonly handle: string
  readonly id: string
  readonly seconds: number
  /** The time counts from the last message with this id instead of the first. */
  readonly last: boolean
}

/** Text of the body. `bodyTexts` answers it from the bytes of a message. RFC 5173 §5. */
export interface BodyQuestion {
  readonly kind: 'body'
  /**
   * 'raw': the body as it is, one text. 'text': each text part, decoded. A list: each part whose media type is one of these, as `text`,
   * `text/html` or empty for all; multiparts and messages as RFC 5173 §5.2 has them.
   */
  readonly transform: 'raw' | 'text' | readonly string[]
  /** Characters in all; what is beyond is left out. */
  readonly textMax: number
}

export interface Now {
  readonly epochMs: number
  readonly offsetMinutes: number
}

export type AnswerTo<Q extends Question> = Q extends { kind: 'mailbox' | 'mailboxId' | 'specialUse' | 'duplicate' }
  ? boolean
  : Q extends { kind: 'environment' }
    ? string | undefined
    : Q extends { kind: 'now' }
      ? Now
      : Q extends { kind: 'body' }
        ? readonly string[]
        : Q extends { kind: 'script' }
          ? SieveScript | undefined
          : number | undefined

export type Answer = AnswerTo<Question>

/** Work that may ask. */
export type Asking<Result> = Generator<Question, Result, Answer>

/** Asks one question: `const exists = yield* ask({ kind: 'mailbox', mailbox })`. */
export function* ask<const Q extends Question>(question: Q): Generator<Question, AnswerTo<Q>, Answer> {
  return (yield question) as AnswerTo<Q>
}
