/** A change of a message's bytes. */

/** Replaces the bytes from `start` to `end` with `text`, one byte a character; removes them if there is no text. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text?: string
}
