/** Evaluates a search key on one message of the reference engine. RFC 9051 §6.4.4. */
import { flagWordBits } from '../../mail/flags.ts'
import { parseHeader } from '../../mail/header.ts'
import { parseStructure } from '../../mail/mime/structure.ts'
import type { SearchKey } from '../../mail/search-key.ts'
import { createTextMatcher } from '../../mail/search-text.ts'
import { likelyCharset } from '../../mail/view/part-content.ts'
import type { ContentEntry, EmailEntry, MessageEntry } from './state.ts'

export interface Searched {
  readonly message: MessageEntry
  readonly email: EmailEntry
  readonly content: ContentEntry
  /** With the prefix. */
  readonly bytes: Uint8Array
  /** Lower case, by bit. */
  readonly flagNames: readonly string[]
}

export function matches(key: SearchKey, searched: Searched): boolean {
  const { message, email, content, bytes } = searched
  switch (key.kind) {
    case 'all':
      return true
    case 'and':
      return key.keys.every((one) => matches(one, searched))
    case 'or':
      return matches(key.left, searched) || matches(key.right, searched)
    case 'not':
      return !matches(key.key, searched)
    case 'uid':
      return key.ranges.some(([first, last]) => first <= message.uid && message.uid <= last)
    case 'flag':
      return hasFlag(searched, key.flag.toLowerCase())
    case 'larger':
      return email.sizeBytes > key.sizeBytes
    case 'smaller':
      return email.sizeBytes < key.sizeBytes
    case 'internalDay':
      return isDay(key, Math.floor((email.dateMs + email.offsetMinutes * 60_000) / 86_400_000))
    case 'sentDay':
      return isDay(key, content.facts.sentDay)
    case 'modSeq':
      return message.modSeq >= key.least
    case 'header':
      return createTextMatcher(key.needle).header(parseHeader(bytes), key.name, () =>
        likelyCharset(parseStructure(bytes)),
      )
    case 'body':
      return createTextMatcher(key.needle).body(bytes, parseStructure(bytes))
    case 'text':
      return createTextMatcher(key.needle).text(bytes, parseStructure(bytes))
  }
}

function isDay({ first, end }: { readonly first: number; readonly end: number }, day: number | null): boolean {
  return day !== null && first <= day && day < end
}

function hasFlag({ message, flagNames }: Searched, flag: string): boolean {
  const bit = flagNames.indexOf(flag)
  if (bit < 0) return false
  const word = bit < flagWordBits ? message.low : message.high
  return (word & (1 << (bit % flagWordBits))) !== 0
}
