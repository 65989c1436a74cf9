/** Content-Disposition. RFC 2183. */
import { lowerAscii, unfold } from '../header.ts'
import type { ContentType } from './content-type.ts'
import { mimeFieldValue } from './field-value.ts'
import { parameterText, parseParameters, skipSpace, wordEnd } from './parameters.ts'
import type { Parameter } from './parameters.ts'

export interface ContentDisposition {
  /** Lower case; unknown ones are to be treated as `attachment`. RFC 2183 §2.8. */
  readonly type: string
  readonly parameters: readonly Parameter[]
}

/** Reads a field value, folded or not. undefined if it is empty. */
export function parseContentDisposition(value: string): ContentDisposition | undefined {
  const text = mimeFieldValue(unfold(value))
  const start = skipSpace(text, 0, false)
  const end = wordEnd(text, start)
  if (end === start) return undefined
  // `Content-Disposition: filename=x` lacks its type; the safe reading is a file to be saved.
  if (text.slice(start, end).includes('=')) return { type: 'attachment', parameters: parseParameters(text, start) }
  return { type: lowerAscii(text.slice(start, end)), parameters: parseParameters(text, end) }
}

/** The suggested file name of a part, decoded; from the disposition, or the older `name` of the type. Not made safe as a file name. */
export function fileName(contentType: ContentType, disposition: ContentDisposition | undefined): string | undefined {
  const named = disposition === undefined ? undefined : parameterText(disposition.parameters, 'filename')
  return named ?? parameterText(contentType.parameters, 'name')
}
