/** Evaluates a search key on one message in memory. RFC 3501 §6.4.4. */
import type { ModSeq } from '../../../mail/ids.ts'
import { utf8 } from '../../../base/bytes.ts'
import { parseDate } from '../../../mail/date.ts'
import { internalDay } from '../../../mail/internal-date.ts'
import { decodeCharset } from '../../../mail/mime/charset.ts'
import { decodeEncodedWords } from '../../../mail/mime/encoded-word.ts'
import { parameterValue } from '../../../mail/mime/parameters.ts'
import { walkParts } from '../../../mail/mime/part.ts'
import type { Part } from '../../../mail/mime/part.ts'
import { parseStructure } from '../../../mail/mime/structure.ts'
import { decodeTransfer, transferEncoding } from '../../../mail/mime/transfer-encoding.ts'
import type { SearchKey } from '../../../mail/search-key.ts'
import type { MemoryMessage } from './mailbox.ts'

export interface Searched {
  readonly message: MemoryMessage
  readonly hasFlag: (name: string) => boolean
  readonly modSeq: ModSeq
}

export function matches(key: SearchKey, it: Searched): boolean {
  const { message } = it
  switch (key.kind) {
    case 'all':
      return true
    case 'and':
      return key.keys.every((one) => matches(one, it))
    case 'or':
      return matches(key.left, it) || matches(key.right, it)
    case 'not':
      return !matches(key.key, it)
    case 'uid':
      return key.ranges.some(([first, last]) => first <= message.uid && message.uid <= last)
    case 'flag':
      return it.hasFlag(key.flag)
    case 'larger':
      return message.bytes.length > key.sizeBytes
    case 'smaller':
      return message.bytes.length < key.sizeBytes
    case 'internalDay': {
      const day = internalDay(message.internalDate)
      return key.first <= day && day < key.end
    }
    case 'sentDay': {
      const value = parseStructure(message.bytes).header?.valueOf('date')
      const date = value === undefined ? undefined : parseDate(value)
      if (!date) return false
      const day = internalDay(date)
      return key.first <= day && day < key.end
    }
    case 'header': {
      const { header } = parseStructure(message.bytes)
      const values = header?.all(key.name).map((field) => decodeEncodedWords(header.value(field))) ?? []
      return values.some((value) => contains(value, key.needle))
    }
    case 'body':
      return texts(message.bytes, false).some((text) => contains(text, key.needle))
    case 'text':
      return texts(message.bytes, true).some((text) => contains(text, key.needle))
    case 'modSeq':
      return it.modSeq >= key.least
  }
}

function contains(text: string, needle: string): boolean {
  return text.toLowerCase().includes(needle.toLowerCase())
}

function texts(bytes: Uint8Array, withHeaders: boolean): string[] {
  const found: string[] = []
  for (const part of walkParts(parseStructure(bytes))) {
    if (withHeaders) found.push(decodeEncodedWords(utf8(bytes, part.headerStart, part.bodyStart)))
    if (part.kind === 'text') found.push(textOf(bytes, part))
  }
  return found
}

function textOf(bytes: Uint8Array, part: Part): string {
  const body = decodeTransfer(bytes.subarray(part.bodyStart, part.bodyEnd), transferEncoding(part.encoding))
  const charset = parameterValue(part.contentType.parameters, 'charset') ?? 'us-ascii'
  return decodeCharset(body, charset) ?? utf8(body)
}
