/** What `inspectMessage` finds, by name. */
import type { Defect, Part } from '../mime/part.ts'

/** Every defect by its name: a description, the rule that it breaks, and in brackets what its range covers. */
export const defectNames = {
  // Of the structure.
  headerUnfinished: 'The header runs into a delimiter or the end: no blank line. RFC 5322 §2.1 [header]',
  headerLine: 'A header line that is no field. RFC 5322 §2.2 [the lines]',
  headerLimit: 'More header bytes or fields than are read. [header]',
  contentType: 'A Content-Type without type and subtype. RFC 2045 §5.1 [field]',
  boundaryMissing: 'A multipart without a usable boundary. RFC 2046 §5.1.1 [field]',
  boundarySyntax:
    'A boundary longer than 70 characters, or with characters that it may not have. RFC 2046 §5.1.1 [field]',
  boundaryAmbiguous: 'A boundary that begins with that of a multipart around it. RFC 2046 §5.1.2 [field]',
  partsMissing: 'A multipart in which its boundary never comes. RFC 2046 §5.1.1 [body]',
  endMissing: 'A multipart without its closing delimiter. RFC 2046 §5.1.1 [body]',
  compositeEncoded: 'A multipart or message that claims to be encoded. RFC 2045 §6.4 [field]',
  nestingLimit: 'Parts nested deeper than is read. [part]',
  partsLimit: 'More parts than are read. [part]',
  // Of bytes and lines, except in parts that are sent as binary.
  bareLf: 'A line feed without its carriage return. RFC 5322 §2.2 [byte]',
  bareCr: 'A carriage return without its line feed. RFC 5322 §2.2 [byte]',
  nul: 'A NUL. RFC 5322 §2.2 [byte]',
  longLine: 'A line of more than 998 octets. RFC 5322 §2.1.1 [line without its end]',
  // Of headers.
  headerUtf8:
    'UTF-8 in a header: right in messages for SMTPUTF8 alone. RFC 6532 §3.2 [from the first to the last such byte]',
  headerEightBit:
    'Bytes beyond ASCII in a header that are no UTF-8. RFC 5322 §2.2 [from the first to the last such byte]',
  fieldDuplicate: 'A field that may stand once only, a second time. RFC 5322 §3.6, RFC 2045 §3 [field]',
  fromMissing: 'No From. RFC 5322 §3.6 [header]',
  dateMissing: 'No Date. RFC 5322 §3.6 [header]',
  dateSyntax: 'A date that breaks the grammar, does not exist, or has the wrong weekday. RFC 5322 §3.3 [value]',
  messageIdSyntax:
    'Message-ID, In-Reply-To or References with something that is no message id. RFC 5322 §3.6.4 [value]',
  addressSyntax: 'An address field with an entry that has no domain, or with none at all. RFC 5322 §3.4 [value]',
  addressLimit: 'An address field with more addresses than are read. [value]',
  encodedWordSyntax:
    'An encoded word that is not finished, has white space in it, or an unknown encoding. RFC 2047 §2 [word]',
  encodedWordLong: 'An encoded word of more than 75 characters. RFC 2047 §2 [word]',
  encodedWordCharset: 'An encoded word in an unknown charset. RFC 2047 §3 [word]',
  encodedWordContent:
    'An encoded word with wrong base64, wrong escapes, or bytes that its charset has not. RFC 2047 §4 [word]',
  encodedWordInParameter: 'An encoded word where RFC 2231 has to be used. RFC 2047 §5 (3) [word]',
  // Of contents.
  encodingUnknown: 'An unknown Content-Transfer-Encoding. RFC 2045 §6.4 [field]',
  eightBitBody:
    'Bytes beyond ASCII in a part that is said to have none. RFC 2045 §6.2 [from the first to the last such byte]',
  base64Character: 'A character in base64 that it has not. RFC 2045 §6.8 [characters in a row]',
  base64Padding:
    'Base64 that goes on behind its padding, or whose last group is not full. RFC 2045 §6.8 [the padding, or the end]',
  quotedPrintableEscape: 'An equals sign without two digits or a line end behind it. RFC 2045 §6.7 [escape]',
  charsetUnknown: 'An unknown charset. RFC 2046 §4.1.2 [field]',
  charsetBytes: 'Bytes that mean nothing in the charset of the part. RFC 2046 §4.1.2 [body]',
} as const

export type DefectName = keyof typeof defectNames

// Fails to compile if the structure pass reports a defect that has no description here.
const _all: Defect extends DefectName ? true : never = true
void _all

/** One defect: the bytes [start, end) of the message, and the part that they belong to. */
export interface FoundDefect {
  readonly name: DefectName
  readonly start: number
  readonly end: number
  readonly part: Part
}

/** Ranges reported for one name: the first few are enough, and a message of bare line feeds has millions. */
export const defectsPerNameMax = 100

/** Gathers defects, a limited number of each name, and counts all. */
export class DefectList {
  readonly found: FoundDefect[] = []
  readonly counts = new Map<DefectName, number>()

  add(name: DefectName, start: number, end: number, part: Part): void {
    const count = this.counts.get(name) ?? 0
    this.counts.set(name, count + 1)
    if (count < defectsPerNameMax) this.found.push({ name, start, end, part })
  }
}
