/** Content-Type. RFC 2045 §5. */
import { lowerAscii, unfold } from '../header.ts'
import { mimeFieldValue } from './field-value.ts'
import { parseParameters, skipSpace, wordEnd } from './parameters.ts'
import type { Parameter } from './parameters.ts'

/** Type and subtype are lower case. */
export interface ContentType {
  readonly type: string
  readonly subtype: string
  readonly parameters: readonly Parameter[]
}

const usAscii: readonly Parameter[] = [{ name: 'charset', value: 'us-ascii', extended: false }]

/** The type of a part without a valid Content-Type. RFC 2045 §5.2. */
export const defaultContentType: ContentType = { type: 'text', subtype: 'plain', parameters: usAscii }

/** The default type in a multipart/digest. RFC 2046 §5.1.5. */
export const digestContentType: ContentType = { type: 'message', subtype: 'rfc822', parameters: [] }

/** The type of a composite part that is not read because of a limit: it becomes a leaf. */
export const opaqueContentType: ContentType = { type: 'application', subtype: 'octet-stream', parameters: [] }

/** Reads a field value, folded or not. undefined if it has no `type/subtype`. */
export function parseContentType(value: string): ContentType | undefined {
  const text = mimeFieldValue(unfold(value))
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const start = skipSpace(text, 0, false)
  const typeEnd = wordEnd(text, start)
  const at = skipSpace(text, typeEnd, false)
  if (text[at] !== '/' || typeEnd === start) return undefined
  const subtypeStart = skipSpace(text, at + 1, false)
  let subtypeEnd = wordEnd(text, subtypeStart)
  while (text[subtypeEnd] === '/') subtypeEnd = wordEnd(text, subtypeEnd + 1)
  if (subtypeEnd === subtypeStart) return undefined
  return {
    type: lowerAscii(text.slice(start, typeEnd)),
    subtype: lowerAscii(text.slice(subtypeStart, subtypeEnd)),
    parameters: subtypeEnd < text.length ? parseParameters(text, subtypeEnd) : [],
  }
}
