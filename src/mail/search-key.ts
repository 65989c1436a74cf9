/** What SEARCH asks, as a value. The IMAP grammar builds it, the store evaluates it. RFC 9051 §6.4.4, RFC 3501 §6.4.4. */
import type { ModSeq } from './ids.ts'

/** Inclusive ranges of UIDs, ascending and merged; sequence numbers are turned into UIDs before a key is built. */
export type UidRanges = readonly (readonly [first: number, last: number])[]

/** A header field, body or whole-message text test. Needles are matched case-insensitively as substrings of decoded text. */
export type SearchKey =
  | { readonly kind: 'all' }
  | { readonly kind: 'and'; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'or'; readonly left: SearchKey; readonly right: SearchKey }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'uid'; readonly ranges: UidRanges }
  /** A system flag or keyword by name; an unknown keyword matches nothing. */
  | { readonly kind: 'flag'; readonly flag: string }
  /** \Recent is the session's: the session turns it into UID ranges before it hands the key on. */
  | { readonly kind: 'larger'; readonly sizeBytes: number }
  | { readonly kind: 'smaller'; readonly sizeBytes: number }
  /** Days of the INTERNALDATE in its own zone, as days since 1970-01-01: first ≤ day < end. */
  | { readonly kind: 'internalDay'; readonly first: number; readonly end: number }
  /** Days of the Date field, disregarding time and zone. */
  | { readonly kind: 'sentDay'; readonly first: number; readonly end: number }
  /** name is lower case; an empty needle asks only whether the field exists. from, to, cc, bcc, subject are such fields. */
  | { readonly kind: 'header'; readonly name: string; readonly needle: string }
  | { readonly kind: 'body'; readonly needle: string }
  | { readonly kind: 'text'; readonly needle: string }
  | { readonly kind: 'modSeq'; readonly least: ModSeq }
