/** The result of the structure pass: a tree of byte ranges of the message. RFC 2045, RFC 2046. */
import type { Header } from '../header.ts'
import type { ContentDisposition } from './content-disposition.ts'
import type { ContentType } from './content-type.ts'

/** Defects of a part. None is a failure: any bytes give a tree. */
export type Defect =
  /** The header runs into a delimiter or the end: no blank line. */
  | 'headerUnfinished'
  /** A header line that is no field. */
  | 'headerLine'
  /** More header bytes or fields than the limits; the rest is ignored. */
  | 'headerLimit'
  | 'contentType'
  /** A multipart without a boundary parameter; it is read as text/plain. */
  | 'boundaryMissing'
  /** A multipart in which its boundary never occurs. */
  | 'partsMissing'
  /** A multipart without its closing delimiter. */
  | 'endMissing'
  /** A composite type in base64 or quoted-printable, which RFC 2045 §6.4 forbids. */
  | 'compositeEncoded'
  /** A composite part beyond a limit: it is an application/octet-stream leaf. */
  | 'nestingLimit'
  | 'partsLimit'

/**
 * How a part is built, which decides what IMAP says about it and how its sections are numbered:
 * 'multipart' has `children`, 'message' has a `message`, 'text' and 'basic' are leaves.
 */
export type PartKind = 'multipart' | 'message' | 'text' | 'basic'

/** A message, or an entity in one. Offsets are those of the whole message; texts are header text, a character per byte. */
export interface Part {
  readonly kind: PartKind
  readonly headerStart: number
  /** End of the header, its blank line included. */
  readonly bodyStart: number
  /** The line end before a delimiter belongs to the delimiter. RFC 2046 §5.1.1. */
  readonly bodyEnd: number
  /** Line feeds in the body, for 'text' and 'message' parts; 0 for others, for which IMAP does not report it. */
  readonly lines: number
  /** The default if the message gives none. */
  readonly contentType: ContentType
  /** Whether the message gives the type. */
  readonly typed: boolean
  readonly disposition?: ContentDisposition
  /** Lower case; '7bit' by default. RFC 2045 §6.1. */
  readonly encoding: string
  readonly id?: string
  readonly description?: string
  readonly md5?: string
  readonly location?: string
  readonly languages: readonly string[]
  readonly children: readonly Part[]
  /** The message inside a message/rfc822 or message/global part. */
  readonly message?: Part
  /** Kept for the message itself and for messages in it. */
  readonly header?: Header
  readonly defects: readonly Defect[]
}

/** All parts of a tree, the given one first, in the order of the message. */
export function* walkParts(part: Part): Generator<Part> {
  yield part
  for (const child of part.children) yield* walkParts(child)
  if (part.message !== undefined) yield* walkParts(part.message)
}

/** All parts of a message other than multiparts; an attached message counts as one part. */
export function* leaves(part: Part): Generator<Part> {
  if (part.kind !== 'multipart') yield part
  for (const child of part.children) yield* leaves(child)
}
