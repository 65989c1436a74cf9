/** Splits a stored content into header and body, for signing and verifying; and applies edits to it. */
import { bytesOf, latin1 } from '../base/bytes.ts'
import { readSliceBytes } from '../mail/content.ts'
import type { Edit } from '../mail/edit.ts'
import { Header, headerEnd } from '../mail/header.ts'
import type { Store, StoredContent } from '../store/store.ts'

/** Longer headers are cut here: no signer makes such messages. */
const headerBytesMax = 1024 * 1024

export interface ContentParts {
  /** Includes `head` in front. */
  readonly header: Header
  /** Position of the body in the content. */
  readonly bodyStart: number
  body(): AsyncGenerator<Uint8Array>
}

/** @param head header text in front of the content, one byte a character. */
export async function contentParts(content: StoredContent, head: string): Promise<ContentParts> {
  let known: Uint8Array = new Uint8Array(0)
  let bodyStart = 0
  while (known.length < content.sizeBytes && known.length < headerBytesMax) {
    const more = await content.read(known.length, Math.min(content.sizeBytes, known.length + readSliceBytes))
    known = known.length === 0 ? more : Buffer.concat([known, more])
    bodyStart = headerEnd(known, 0, known.length)
    if (bodyStart < known.length) break
  }
  return {
    header: new Header(head + latin1(known, 0, bodyStart)),
    bodyStart,
    async *body() {
      for (let at = bodyStart; at < content.sizeBytes; at += readSliceBytes)
        yield await content.read(at, Math.min(content.sizeBytes, at + readSliceBytes))
    },
  }
}

/** Writes the content with the edits, which are in order of position, as a new content; aborts the old one. */
export async function applyEdits(store: Store, content: StoredContent, edits: readonly Edit[]): Promise<StoredContent> {
  const sink = store.sink()
  try {
    let from = 0
    const write = async (bytes: Uint8Array): Promise<void> => {
      if (!sink.write(bytes)) await sink.drained()
    }
    const keep = async (to: number): Promise<void> => {
      for (let at = from; at < to; at += readSliceBytes) {
        const end = Math.min(to, at + readSliceBytes)
        await write(await content.read(at, end))
      }
    }
    for (const { start, end, text } of edits) {
      // Of edits that overlap, the first counts.
      if (start < from) continue
      await keep(start)
      if (text) await write(bytesOf(text))
      from = end
    }
    await keep(content.sizeBytes)
  } catch (error) {
    sink.abort()
    throw error
  }
  const mended = await sink.finish()
  content.abort()
  return mended
}
