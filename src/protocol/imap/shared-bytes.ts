/** The same few words for thousands of idle sessions are encoded once: `* 17 EXISTS`. */
import type { Out } from './out.ts'
import { bytesOf } from '../../base/bytes.ts'

/** A change is told to all its listeners within milliseconds: what was said last is all that is worth keeping. */
const keptMax = 16
/** Longer news are one session's own. */
const textMaxBytes = 256

const kept = new Map<string, Uint8Array>()

/** What `Out.take()` gives; the buffer may be another session's as well, so it is never written to. */
export function sharedBytes(out: Out): Uint8Array {
  const text = out.takeText(textMaxBytes)
  if (text === undefined) return out.take()
  let bytes = kept.get(text)
  if (!bytes) {
    bytes = bytesOf(text)
    if (kept.size >= keptMax) kept.clear()
    kept.set(text, bytes)
  }
  return bytes
}
