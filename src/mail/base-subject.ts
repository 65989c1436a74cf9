/** The base subject: what remains of a subject when `Re:`, `Fwd:`, `[list]` and `(fwd)` are gone. RFC 5256 §2.1. */
import { decodeEncodedWords } from './mime/encoded-word.ts'

export interface BaseSubject {
  /** Case and accents are unchanged; compare with `foldText`. */
  readonly text: string
  /** A sign of a reply or forward was removed. RFC 5256 §3 (REFERENCES). */
  readonly isReplyOrForward: boolean
}

/** Read as far as this: people read the beginning, and `[a][b][c]…` must not be peeled off for megabytes. */
const subjectMax = 2_000

const leader = /^(?:[ \t]+|(?:\[[^[\]]*\][ \t]*)*(?:re|fwd?)[ \t]*(?:\[[^[\]]*\][ \t]*)?:)/i
const blob = /^\[[^[\]]*\][ \t]*/

/** @param value the unfolded field value, encoded words in it. */
export function baseSubject(value: string): BaseSubject {
  let text = decodeEncodedWords(value.slice(0, subjectMax)).replace(/[\s]+/g, ' ')
  let isReplyOrForward = false
  for (;;) {
    const withoutTrailer = dropTrailers(text)
    if (/\(fwd\)/i.test(text.slice(withoutTrailer.length))) isReplyOrForward = true
    text = withoutTrailer
    for (;;) {
      const lead = leader.exec(text)
      if (lead !== null) {
        if (lead[0].trim() !== '') isReplyOrForward = true
        text = text.slice(lead[0].length)
        continue
      }
      const tag = blob.exec(text)
      if (tag === null || tag[0].length === text.length) break
      text = text.slice(tag[0].length)
    }
    if (!/^\[fwd:/i.test(text) || !text.endsWith(']')) return { text, isReplyOrForward }
    isReplyOrForward = true
    text = text.slice(5, -1)
  }
}

/** From the end, as a pattern anchored there would be tried at every space of the subject. */
function dropTrailers(text: string): string {
  let end = text.length
  for (;;) {
    const code = text.charCodeAt(end - 1)
    if (code === 0x20 || code === 0x09) end -= 1
    else if (code === 0x29 && text.slice(end - 5, end).toLowerCase() === '(fwd)') end -= 5
    else return text.slice(0, end)
  }
}
