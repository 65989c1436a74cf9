/** A stored content as header and body, for those who sign and verify. */
import { latin1 } from '../base/bytes.ts'
import { readSliceBytes } from '../mail/content.ts'
import { Header, headerEnd } from '../mail/header.ts'
import type { Store, StoredContent } from '../store/store.ts'

/** A longer header is no message that anybody signed. */
const headerBytesMax = 1024 * 1024

export interface ContentParts {
  /** `head` before it included. */
  readonly header: Header
  /** Where the body begins in the content. */
  readonly bodyStart: number
  body(): AsyncGenerator<Uint8Array>
}

/** @param head header text that stands before the content, one byte a character. */
export async function contentParts(
  store: Pick<Store, 'readContent'>,
  content: StoredContent,
  head: string,
): Promise<ContentParts> {
  const read = async (start: number, end: number): Promise<Uint8Array> =>
    content.inline ? content.inline.subarray(start, end) : store.readContent(content, start, end)
  let known: Uint8Array = new Uint8Array(0)
  let bodyStart = 0
  while (known.length < content.sizeBytes && known.length < headerBytesMax) {
    const more = await read(known.length, Math.min(content.sizeBytes, known.length + readSliceBytes))
    known = known.length === 0 ? more : Buffer.concat([known, more])
    bodyStart = headerEnd(known, 0, known.length)
    if (bodyStart < known.length) break
  }
  return {
    header: new Header(head + latin1(known, 0, bodyStart)),
    bodyStart,
    async *body() {
      for (let at = bodyStart; at < content.sizeBytes; at += readSliceBytes)
        yield await read(at, Math.min(content.sizeBytes, at + readSliceBytes))
    },
  }
}
