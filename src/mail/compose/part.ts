/** Parts of a message to be written: what they hold, and how they come out as bytes, in streams. RFC 2045, RFC 2046, RFC 2183, RFC 2387. */
import { readSliceBytes } from '../content.ts'
import { formatField } from '../header-format.ts'
import { ComposeFault, idField, parameter, textField, type FieldStyle } from './fields.ts'
import { Base64Encoder, encodeQuotedPrintable, encodingForText, type ContentEncoding } from './transfer-encode.ts'

/** Bytes in memory, or a source of bytes. */
export type Source = Uint8Array | string | AsyncIterable<Uint8Array>

/** Fields that every part may have. */
interface About {
  readonly disposition?: 'inline' | 'attachment'
  readonly fileName?: string
  /** Without brackets. RFC 2392. */
  readonly contentId?: string
  readonly description?: string
  /** `en`, `de-CH`. RFC 3282. */
  readonly language?: string
  readonly parameters?: Readonly<Record<string, string>>
}

export type PartDraft =
  /** Text; line ends become CRLF. */
  | (About & { readonly kind: 'text'; readonly subtype: string; readonly text: string; readonly flowed?: boolean })
  /** Machine-readable lines, as in reports; unless the type is text, they are only encoded if they are UTF-8. RFC 3464 §2.1. */
  | (About & { readonly kind: 'fields'; readonly type: string; readonly text: string })
  /** Anything else, byte for byte. */
  | (About & { readonly kind: 'data'; readonly type: string; readonly content: Source })
  /** A message within the message: never encoded, RFC 2046 §5.2.1. */
  | (About & { readonly kind: 'message'; readonly content: Uint8Array })
  | (About & { readonly kind: 'multipart'; readonly subtype: string; readonly parts: readonly PartDraft[] })

/** What the transport of the message allows. */
export interface PartStyle extends FieldStyle {
  readonly allowed: '7bit' | '8bit' | 'binary'
  /** Returns a text that occurs in no part. */
  boundary(): string
}

/** A part that is ready to be written. */
export interface WrittenPart {
  readonly header: string
  /** The part in pieces. Only once, if the source is a stream. */
  body(): AsyncGenerator<Uint8Array>
  /** The highest one of its contents: that of a multipart follows from its parts. RFC 2045 §6.4. */
  readonly domain: '7bit' | '8bit' | 'binary'
}

const strength = { '7bit': 0, '8bit': 1, binary: 2 } as const

/** Nesting that composers mean; more is a loop in their data. */
const depthMax = 20

export function writePart(draft: PartDraft, style: PartStyle, depth = 0): WrittenPart {
  if (depth > depthMax) throw new ComposeFault(`parts are nested deeper than ${depthMax}`)
  switch (draft.kind) {
    case 'text':
      return textPart(draft, style)
    case 'fields':
      return fieldsPart(draft, style)
    case 'data':
      return dataPart(draft, style)
    case 'message':
      return messagePart(draft, style)
    case 'multipart':
      return multipart(draft, style, depth)
  }
}

function header(draft: About, type: string, encoding: ContentEncoding, style: PartStyle): string {
  const name = draft.fileName
  const own = Object.entries(draft.parameters ?? {})
  for (const [key] of own) if (!/^[\w-]+$/.test(key)) throw new ComposeFault(`"${key}" is no parameter name`)
  if (!/^[\w!#$&+\-.^]+\/[\w!#$&+\-.^]+$/.test(type)) throw new ComposeFault(`"${type}" is no media type`)
  const parameters = [...own, ...(name === undefined ? [] : [['name', name] as const])]
  const fields = [
    formatField('Content-Type', type + parameters.map(([key, value]) => parameter(key, value, style)).join('')),
  ]
  if (encoding !== '7bit') fields.push(`Content-Transfer-Encoding: ${encoding}\r\n`)
  if (draft.disposition !== undefined || name !== undefined) {
    const file = name === undefined ? '' : parameter('filename', name, style)
    fields.push(formatField('Content-Disposition', (draft.disposition ?? 'attachment') + file))
  }
  if (draft.contentId !== undefined) fields.push(idField('Content-ID', [draft.contentId]))
  if (draft.description !== undefined) fields.push(textField('Content-Description', draft.description, style))
  if (draft.language !== undefined) fields.push(textField('Content-Language', draft.language, style))
  return fields.join('')
}

function domainOf(encoding: ContentEncoding): WrittenPart['domain'] {
  return encoding === '8bit' || encoding === 'binary' ? encoding : '7bit'
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}

function textPart(draft: Extract<PartDraft, { kind: 'text' }>, style: PartStyle): WrittenPart {
  const bytes = Buffer.from(draft.text.replace(/\r\n|\r|\n/g, '\r\n'))
  const encoding = encodingForText(bytes, style.allowed)
  const charset = bytes.every((byte) => byte < 0x80) ? 'us-ascii' : 'utf-8'
  const parameters = { charset, ...(draft.flowed ? { format: 'flowed' } : {}), ...draft.parameters }
  return {
    header: header({ ...draft, parameters }, `text/${draft.subtype}`, encoding, style),
    body: () => once(encoded(bytes, encoding)),
    domain: domainOf(encoding),
  }
}

function fieldsPart(draft: Extract<PartDraft, { kind: 'fields' }>, style: PartStyle): WrittenPart {
  const bytes = Buffer.from(draft.text.replace(/\r\n|\r|\n/g, '\r\n'))
  const encoding = encodingForText(bytes, style.allowed)
  const isAscii = bytes.every((byte) => byte < 0x80)
  // RFC 3464 §2.1, RFC 8098 §3.1 (d): 7bit and nothing else. RFC 6533 §4.4 lets UTF-8 be encoded.
  if (encoding !== '7bit' && isAscii && !draft.type.startsWith('text/'))
    throw new ComposeFault(`lines of ${draft.type} have at most 998 octets and no control characters`)
  return {
    header: header(draft, draft.type, encoding, style),
    body: () => once(encoded(bytes, encoding)),
    domain: domainOf(encoding),
  }
}

function encoded(bytes: Uint8Array, encoding: ContentEncoding): Uint8Array {
  if (encoding === 'quoted-printable') return encodeQuotedPrintable(bytes)
  if (encoding !== 'base64') return bytes
  const encoder = new Base64Encoder()
  return Buffer.concat([encoder.write(bytes), encoder.end()])
}

function dataPart(draft: Extract<PartDraft, { kind: 'data' }>, style: PartStyle): WrittenPart {
  const encoding = style.allowed === 'binary' ? 'binary' : 'base64'
  return {
    header: header(draft, draft.type, encoding, style),
    domain: domainOf(encoding),
    async *body() {
      const encoder = encoding === 'base64' ? new Base64Encoder() : undefined
      for await (const piece of pieces(draft.content)) {
        const out = encoder ? encoder.write(piece) : piece
        if (out.length > 0) yield out
      }
      const rest = encoder?.end()
      if (rest && rest.length > 0) yield rest
    },
  }
}

async function* pieces(source: Source): AsyncGenerator<Uint8Array> {
  if (typeof source === 'string') yield Buffer.from(source)
  else if (source instanceof Uint8Array) {
    for (let at = 0; at < source.length; at += readSliceBytes) yield source.subarray(at, at + readSliceBytes)
  } else yield* source
}

function messagePart(draft: Extract<PartDraft, { kind: 'message' }>, style: PartStyle): WrittenPart {
  const needed = encodingForText(draft.content, 'binary')
  if (needed === '8bit' && style.allowed === '7bit')
    throw new ComposeFault('an 8-bit message cannot be attached where only 7 bits get through: attach it as data')
  if (needed === 'binary' && style.allowed !== 'binary')
    throw new ComposeFault('a message with lines beyond 998 octets, NUL or bare line ends is attached as data')
  const global = /[^\x00-\x7f]/.test(headerText(draft.content))
  return {
    header: header(draft, global ? 'message/global' : 'message/rfc822', needed, style),
    body: () => once(draft.content),
    domain: domainOf(needed),
  }
}

function headerText(message: Uint8Array): string {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length)
  const end = bytes.indexOf('\r\n\r\n')
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end)
}

function multipart(draft: Extract<PartDraft, { kind: 'multipart' }>, style: PartStyle, depth: number): WrittenPart {
  if (draft.parts.length === 0) throw new ComposeFault('a multipart needs at least one part')
  const parts = draft.parts.map((one) => writePart(one, style, depth + 1))
  const boundary = style.boundary()
  const domain = parts.reduce<WrittenPart['domain']>(
    (found, part) => (strength[part.domain] > strength[found] ? part.domain : found),
    '7bit',
  )
  const parameters = { ...draft.parameters, boundary }
  return {
    header: header({ ...draft, parameters }, `multipart/${draft.subtype}`, domain, style),
    domain,
    async *body() {
      for (const [at, part] of parts.entries()) {
        yield Buffer.from(`${at === 0 ? '' : '\r\n'}--${boundary}\r\n${part.header}\r\n`)
        yield* part.body()
      }
      yield Buffer.from(`\r\n--${boundary}--\r\n`)
    },
  }
}
