/** Which parts of a message are its body, as text or as HTML, and which come along. RFC 8621 §4.1.4. */
import { parameterText } from '../mime/parameters.ts'
import type { Part } from '../mime/part.ts'
import { contentIdOf, nameOf, typeOf } from './part-content.ts'

export interface BodyLists {
  /** To be shown in order by whoever prefers plain text. */
  readonly textBody: readonly Part[]
  /** The same by whoever prefers HTML; often it shares parts with `textBody`. */
  readonly htmlBody: readonly Part[]
  /** Everything else, pictures in the body too. */
  readonly attachments: readonly Part[]
}

const shownTypes = new Set(['image', 'audio', 'video'])
/** Shown in the place where it stands. */
export const isMedia = (part: Part): boolean => shownTypes.has(part.contentType.type)

/** Lists being gathered; null: what is met now belongs to the other kind of body alone. */
interface Gathered {
  readonly text: Part[] | null
  readonly html: Part[] | null
  readonly attachments: Part[]
}

export function bodyLists(root: Part): BodyLists {
  const text: Part[] = []
  const html: Part[] = []
  const attachments: Part[] = []
  gather([root], undefined, false, { text, html, attachments })
  return { textBody: text, htmlBody: html, attachments }
}

/** Part of what is read rather than a file that comes with it. */
function belongsToBody(part: Part, first: boolean, parent: string): boolean {
  if (part.disposition?.type === 'attachment') return false
  const type = typeOf(part)
  if (type !== 'text/plain' && type !== 'text/html' && !isMedia(part)) return false
  // Of a related only its root is read; a named text that stands second or later is a file.
  return first || (parent !== 'related' && (isMedia(part) || nameOf(part) === undefined))
}

/**
 * Which part of a multipart is its root. Departs: RFC 8621 §4.1.4, which takes the first of a multipart/related, because `start` names
 * another (RFC 2387 §3.2): mailers that put the pictures first say so.
 */
function rootOf(multipart: Part): number {
  if (multipart.contentType.subtype !== 'related') return 0
  const start = parameterText(multipart.contentType.parameters, 'start')
    ?.trim()
    .replace(/^<(.*)>$/s, '$1')
  if (start === undefined || start === '') return 0
  return Math.max(
    0,
    multipart.children.findIndex((child) => contentIdOf(child) === start),
  )
}

/** @param multipart undefined around the root of the message. */
function gather(parts: readonly Part[], multipart: Part | undefined, inAlternative: boolean, into: Gathered): void {
  let { text, html } = into
  const parent = multipart?.contentType.subtype ?? 'mixed'
  const root = multipart === undefined ? 0 : rootOf(multipart)
  const textBefore = text?.length ?? -1
  const htmlBefore = html?.length ?? -1
  for (const [at, part] of parts.entries()) {
    if (part.kind === 'multipart') {
      const { subtype } = part.contentType
      gather(part.children, part, inAlternative || subtype === 'alternative', { ...into, text, html })
      continue
    }
    if (!belongsToBody(part, at === root, parent)) {
      into.attachments.push(part)
      continue
    }
    const type = typeOf(part)
    if (parent === 'alternative') {
      const list = type === 'text/plain' ? text : type === 'text/html' ? html : into.attachments
      list?.push(part)
      continue
    }
    // Deeper in an alternative: from its first text on, a branch is of that kind.
    if (inAlternative && type === 'text/plain') html = null
    if (inAlternative && type === 'text/html') text = null
    text?.push(part)
    html?.push(part)
    if ((text === null || html === null) && isMedia(part)) into.attachments.push(part)
  }
  if (parent !== 'alternative' || text === null || html === null) return
  // One kind only: it has to do for the other as well.
  if (text.length === textBefore && html.length > htmlBefore) text.push(...html.slice(htmlBefore))
  else if (html.length === htmlBefore && text.length > textBefore) html.push(...text.slice(textBefore))
}
