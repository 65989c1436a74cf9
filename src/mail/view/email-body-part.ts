/** A message's parts as JMAP tells them. RFC 8621 §4.1.4. */
import { decodeEncodedWords } from '../mime/encoded-word.ts'
import type { Part } from '../mime/part.ts'
import { bodyLists } from './body-lists.ts'
import { charsetOf, contentIdOf, nameOf, partBytes, partText, typeOf } from './part-content.ts'

export interface EmailBodyPart {
  /** null for a multipart. */
  readonly partId: string | null
  /** Octets of the decoded content. */
  readonly size: number
  readonly name: string | null
  readonly type: string
  readonly charset: string | null
  readonly disposition: string | null
  readonly cid: string | null
  readonly language: readonly string[] | null
  readonly location: string | null
  /** Of a multipart. */
  readonly subParts: readonly EmailBodyPart[] | null
}

export interface EmailBodyValue {
  readonly value: string
  readonly isEncodingProblem: boolean
  readonly isTruncated: boolean
}

export interface EmailBody {
  readonly bodyStructure: EmailBodyPart
  readonly textBody: readonly EmailBodyPart[]
  readonly htmlBody: readonly EmailBodyPart[]
  readonly attachments: readonly EmailBodyPart[]
  /** The part of a partId, for blobs and for `bodyValues`. */
  readonly parts: ReadonlyMap<string, Part>
}

/** Parts are numbered in the order of the message, from 1: the same for the same bytes. */
export function emailBody(message: Uint8Array, root: Part): EmailBody {
  const parts = new Map<string, Part>()
  const made = new Map<Part, EmailBodyPart>()
  const make = (part: Part): EmailBodyPart => {
    const isMultipart = part.kind === 'multipart'
    const partId = isMultipart ? null : String(parts.size + 1)
    if (partId !== null) parts.set(partId, part)
    const one: EmailBodyPart = {
      partId,
      size: isMultipart ? 0 : partBytes(message, part).length,
      name: nameOf(part) ?? null,
      type: typeOf(part),
      charset: part.contentType.type === 'text' ? (charsetOf(part) ?? 'us-ascii') : null,
      disposition: part.disposition?.type ?? null,
      cid: contentIdOf(part) ?? null,
      language: part.languages.length === 0 ? null : part.languages,
      location: part.location === undefined ? null : decodeEncodedWords(part.location),
      subParts: isMultipart ? part.children.map(make) : null,
    }
    made.set(part, one)
    return one
  }
  const bodyStructure = make(root)
  const lists = bodyLists(root)
  const told = (list: readonly Part[]): EmailBodyPart[] => list.map((part) => made.get(part)!)
  return {
    bodyStructure,
    textBody: told(lists.textBody),
    htmlBody: told(lists.htmlBody),
    attachments: told(lists.attachments),
    parts,
  }
}

/**
 * The text of a text part, line ends as LF. RFC 8621 §4.1.4.
 * @param bytesMax of UTF-8; 0: all. A character is never cut, nor a tag of HTML if that can be helped.
 */
export function emailBodyValue(message: Uint8Array, part: Part, bytesMax = 0): EmailBodyValue {
  const { text, isEncodingProblem } = partText(message, part)
  const value = text.replace(/\r\n/g, '\n')
  if (bytesMax === 0 || Buffer.byteLength(value) <= bytesMax) return { value, isEncodingProblem, isTruncated: false }
  let cut = Buffer.from(value)
    .subarray(0, bytesMax)
    .toString('utf8')
    .replace(/\ufffd$/, '')
  if (typeOf(part) === 'text/html') {
    const open = cut.lastIndexOf('<')
    if (open > cut.lastIndexOf('>')) cut = cut.slice(0, open)
  }
  return { value: cut, isEncodingProblem, isTruncated: true }
}
