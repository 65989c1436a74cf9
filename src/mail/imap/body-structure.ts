/** BODY and BODYSTRUCTURE as FETCH sends them. RFC 9051 §7.5.2, RFC 3501 §7.4.2. */
import type { ContentDisposition } from '../mime/content-disposition.ts'
import { defaultContentType } from '../mime/content-type.ts'
import type { Parameter } from '../mime/parameters.ts'
import type { Part } from '../mime/part.ts'
import { formatEnvelope } from './envelope.ts'
import { formatNstring, formatString } from './string.ts'

/** BODYSTRUCTURE, with the extension data. @returns IMAP text, one character per byte. */
export function formatBodyStructure(part: Part): string {
  return formatBody(part, true)
}

/** BODY, without extension data. */
export function formatBodyBasic(part: Part): string {
  return formatBody(part, false)
}

/** What stands in a multipart that has no parts: the grammar wants one. */
const emptyPart = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0'

function formatBody(part: Part, extended: boolean): string {
  const { contentType, kind } = part
  if (kind === 'multipart') {
    const empty = `${emptyPart}${extended ? ' NIL NIL NIL NIL' : ''})`
    const children =
      part.children.length === 0 ? empty : part.children.map((child) => formatBody(child, extended)).join('')
    const basic = `(${children} ${formatString(contentType.subtype)}`
    return extended
      ? `${basic} ${formatParameters(contentType.parameters)} ${formatCommonExtension(part)})`
      : `${basic})`
  }
  let out = `(${formatString(contentType.type)} ${formatString(contentType.subtype)} `
  out += `${formatParameters(withCharset(part))} ${formatNstring(part.id)} ${formatNstring(part.description)} `
  out += `${formatString(part.encoding)} ${part.bodyEnd - part.bodyStart}`
  if (kind === 'message' && part.message !== undefined)
    out += ` ${formatEnvelope(part.message.header)} ${formatBody(part.message, extended)} ${part.lines}`
  else if (kind === 'text') out += ` ${part.lines}`
  return extended ? `${out} ${formatNstring(part.md5)} ${formatCommonExtension(part)})` : `${out})`
}

/** Text that names no charset is told as US-ASCII, which is its default. RFC 2046 §4.1.2. */
function withCharset({ kind, contentType: { parameters } }: Part): readonly Parameter[] {
  if (kind !== 'text' || parameters.some((one) => one.name === 'charset')) return parameters
  return [...parameters, ...defaultContentType.parameters]
}

/** Disposition, language and location, which close both forms of extension data. */
function formatCommonExtension(part: Part): string {
  const languages = part.languages.length === 0 ? 'NIL' : `(${part.languages.map(formatString).join(' ')})`
  return `${formatDisposition(part.disposition)} ${languages} ${formatNstring(part.location)}`
}

function formatDisposition(disposition: ContentDisposition | undefined): string {
  if (disposition === undefined) return 'NIL'
  return `(${formatString(disposition.type)} ${formatParameters(disposition.parameters)})`
}

/**
 * Departs: RFC 9051 §7.5.2, because `name*` is told in the RFC 2231 spelling (joined, but not decoded to UTF-8): clients
 * look for charset and percent signs there, as other servers send them.
 */
function formatParameters(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return 'NIL'
  const pairs = parameters.map(
    ({ name, value, extended }) => `${formatString(extended ? `${name}*` : name)} ${formatString(value)}`,
  )
  return `(${pairs.join(' ')})`
}
