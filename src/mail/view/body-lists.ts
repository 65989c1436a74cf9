/** Which parts of a message are its body, as text or as HTML, and which are attachments. RFC 8621 §4.1.4. */
import { parameterText } from '../mime/parameters.ts'
import type { Part } from '../mime/part.ts'
import { contentIdOf, nameOf, typeOf } from './part-content.ts'

export interface BodyLists {
  /** To be shown in this order by clients that prefer plain text. */
  readonly textBody: readonly Part[]
  /** The same for clients that prefer HTML. Often shares parts with `textBody`. */
  readonly htmlBody: readonly Part[]
  /** All other parts; images in the body too. */
  readonly attachments: readonly Part[]
}

const shownTypes = new Set(['image', 'audio', 'video'])
/** Shown in its place within the body. */
export const isMedia = (part: Part): boolean => shownTypes.has(part.contentType.type)

/** The lists so far; null: the present parts belong only to the other kind of body. */
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

/** Whether a part is body text rather than an attachment. */
function belongsToBody(part: Part, first: boolean, parent: string): boolean {
  if (part.disposition?.type === 'attachment') return false
  const type = typeOf(part)
  if (type !== 'text/plain' && type !== 'text/html' && !isMedia(part)) return false
  // In a multipart/related only the root is body; a text with a file name that is not the first part is an attachment.
  return first || (parent !== 'related' && (isMedia(part) || nameOf(part) === undefined))
}

/**
 * Which part of a multipart is its root. Departs: RFC 8621 §4.1.4, which takes the first of a multipart/related, because `start` may
 * name another (RFC 2387 §3.2): mailers that put the images first use it.
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
    // Within an alternative: after its first text, the branch is of that kind.
    if (inAlternative && type === 'text/plain') html = null
    if (inAlternative && type === 'text/html') text = null
    text?.push(part)
    html?.push(part)
    if ((text === null || html === null) && isMedia(part)) into.attachments.push(part)
  }
  if (parent !== 'alternative' || text === null || html === null) return
  // Only one kind was found: it serves for the other as well.
  if (text.length === textBefore && html.length > htmlBefore) text.push(...html.slice(htmlBefore))
  else if (html.length === htmlBefore && text.length > textBefore) html.push(...text.slice(textBefore))
}
