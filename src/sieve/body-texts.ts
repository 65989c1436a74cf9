/** The texts that the test `body` looks at, taken from a message. RFC 5173 §5. For hosts: it answers the question of that name. */
import { latin1 } from '../mail/header.ts'
import { decodeUnlabelled } from '../mail/mime/charset.ts'
import { leaves, type Part } from '../mail/mime/part.ts'
import { htmlToText } from '../mail/view/html-text.ts'
import { partText, typeOf } from '../mail/view/part-content.ts'
import type { BodyQuestion } from './question.ts'

/**
 * Answers the question for a message that lies in memory. The texts are as long as `textMax` together; what is beyond is not looked at.
 * HTML is shown as a reader sees it with `:text`, and as it is written with `:content`. RFC 5173 §5.3.
 */
export function bodyTexts(message: Uint8Array, root: Part, { transform, textMax }: BodyQuestion): string[] {
  const gathered: string[] = []
  let left = textMax
  for (const text of textsOf(message, root, transform)) {
    gathered.push(text.length > left ? text.slice(0, left) : text)
    left -= text.length
    if (left <= 0) break
  }
  return gathered
}

function* textsOf(message: Uint8Array, root: Part, transform: BodyQuestion['transform']): Generator<string> {
  // A message of a header alone has no body, not an empty one. RFC 5173 §4.
  if (!hasBody(message, root)) return
  if (transform === 'raw') {
    yield decodeUnlabelled(message.subarray(root.bodyStart, root.bodyEnd))
  } else if (transform === 'text') {
    for (const part of leaves(root)) {
      if (part.message !== undefined) yield* textsOf(message, part.message, transform)
      else if (part.contentType.type === 'text') yield shownText(message, part)
    }
  } else
    yield* contents(
      message,
      root,
      transform.map((type) => type.toLowerCase()),
    )
}

function shownText(message: Uint8Array, part: Part): string {
  const { text } = partText(message, part)
  return typeOf(part) === 'text/html' ? htmlToText(text) : text
}

/** Each part of these types, multiparts and messages among them. RFC 5173 §5.2. */
function* contents(message: Uint8Array, part: Part, types: readonly string[]): Generator<string> {
  const isWanted = types.some((type) => isOfType(part, type))
  if (part.kind === 'multipart') {
    const first = part.children[0]
    const last = part.children.at(-1)
    const prologueEnd = first === undefined ? part.bodyEnd : lineBefore(message, first.headerStart)
    if (isWanted) yield decodeUnlabelled(message.subarray(part.bodyStart, Math.max(part.bodyStart, prologueEnd)))
    for (const child of part.children) yield* contents(message, child, types)
    if (isWanted && last !== undefined) yield decodeUnlabelled(epilogue(message, part, last))
  } else if (part.message !== undefined) {
    const { headerStart, bodyStart } = part.message
    if (isWanted) yield decodeUnlabelled(message.subarray(headerStart, bodyStart))
    yield* contents(message, part.message, types)
  } else if (isWanted) yield partText(message, part).text
}

function isOfType(part: Part, type: string): boolean {
  if (type === '') return true
  const slash = type.indexOf('/')
  if (slash < 0) return part.contentType.type === type
  return slash > 0 && slash < type.length - 1 && type.lastIndexOf('/') === slash && typeOf(part) === type
}

/** Where the line with the delimiter before this place begins. */
function lineBefore(message: Uint8Array, at: number): number {
  return at < 2 ? 0 : message.lastIndexOf(0x0a, at - 2) + 1
}

/** What stands behind the closing delimiter. */
function epilogue(message: Uint8Array, part: Part, last: Part): Uint8Array {
  const delimiter = message.indexOf(0x0a, last.bodyEnd + 2)
  return delimiter < 0 || delimiter + 1 >= part.bodyEnd
    ? message.subarray(0, 0)
    : message.subarray(delimiter + 1, part.bodyEnd)
}

function hasBody(message: Uint8Array, root: Part): boolean {
  if (root.bodyEnd > root.bodyStart) return true
  const end = latin1(message, Math.max(0, root.bodyStart - 4), root.bodyStart)
  return end.endsWith('\n\n') || end.endsWith('\n\r\n')
}
