/** TNEF, which Outlook sends as winmail.dat: files and texts in one part of type application/ms-tnef. [MS-OXTNEF] §2.1. */
import { decodeCharset, decodeUnlabelled } from '../mime/charset.ts'
import { Bytes } from './bytes.ts'
import { readProperties, type PropertyValue } from './properties.ts'
import { decompressRtf } from './rtf.ts'

export interface TnefFile {
  /** The long name if there is one; not made safe as a file name. */
  readonly name: string | undefined
  /** `image/png`, if given. */
  readonly type: string | undefined
  /** Without brackets. */
  readonly contentId: string | undefined
  /** A view of the input. An embedded message is TNEF again. */
  readonly content: Uint8Array
  /** Set if the attachment is a message. */
  readonly message: Tnef | undefined
}

export interface Tnef {
  readonly subject: string | undefined
  /** `IPM.Note`, `IPM.Schedule.Meeting.Request` … */
  readonly messageClass: string | undefined
  readonly text: string | undefined
  /** Not to be trusted: show it only in a sandbox. */
  readonly html: string | undefined
  /** Decompressed. */
  readonly rtf: Uint8Array | undefined
  readonly files: readonly TnefFile[]
  /** 'truncated': an attribute exceeds the input. 'checksum': some bytes are corrupt. 'limit': there is more than was read. */
  readonly defects: readonly ('truncated' | 'checksum' | 'limit')[]
}

const signature = 0x223e9f78

/** Files of one part. Real messages have fewer, and an attacker can list empty ones at 15 bytes each. */
export const tnefFilesMax = 1_000
/** Messages within messages: reading recurses this deep. */
const depthMax = 10

const attribute = {
  subject: 0x00018004,
  fileTitle: 0x00018010,
  body: 0x0002800c,
  messageClass: 0x00078008,
  fileData: 0x0006800f,
  fileBegins: 0x00069002,
  messageProperties: 0x00069003,
  fileProperties: 0x00069005,
  codepage: 0x00069007,
} as const

/** [MS-OXPROPS] numbers. */
const property = {
  subject: 0x0037,
  body: 0x1000,
  rtf: 0x1009,
  html: 0x1013,
  data: 0x3701,
  shortName: 0x3704,
  longName: 0x3707,
  mimeType: 0x370e,
  contentId: 0x3712,
  displayName: 0x3001,
  codepage: 0x3fde,
} as const

/** A file being read. */
interface Reading {
  title?: Uint8Array
  data?: Uint8Array
  properties: Map<number, PropertyValue>
}

/**
 * Reads the decoded body of an application/ms-tnef part. undefined: not TNEF. Never throws; what cannot be read is skipped and noted in
 * `defects`. Contents are views of the input, so that memory does not grow with them.
 */
export function readTnef(bytes: Uint8Array): Tnef | undefined {
  return read(bytes, 0)
}

function read(bytes: Uint8Array, depth: number): Tnef | undefined {
  const data = new Bytes(bytes)
  if (data.u32() !== signature) return undefined
  data.u16()
  const defects = new Set<Tnef['defects'][number]>()
  const message: { subject?: Uint8Array; body?: Uint8Array; class?: Uint8Array } = {}
  let properties = new Map<number, PropertyValue>()
  let codepage: number | undefined
  const files: Reading[] = []
  while (!data.isAtEnd) {
    const level = data.u8()
    const id = data.u32()
    const length = data.u32()
    if (id === undefined || length === undefined || (level !== 1 && level !== 2)) {
      defects.add('truncated')
      break
    }
    const value = data.take(length)
    if (value === undefined) defects.add('truncated')
    const content = value ?? data.takeUpTo(length)
    if (value !== undefined && data.u16() !== checksum(content)) defects.add('checksum')
    const file = files.at(-1)
    if (level === 1) {
      if (id === attribute.codepage) codepage = new Bytes(content).u32()
      else if (id === attribute.subject) message.subject = content
      else if (id === attribute.body) message.body = content
      else if (id === attribute.messageClass) message.class = content
      else if (id === attribute.messageProperties) properties = readProperties(new Bytes(content))
    } else if (id === attribute.fileBegins) {
      if (files.length === tnefFilesMax) {
        defects.add('limit')
        break
      }
      files.push({ properties: new Map() })
    } else if (file !== undefined) {
      if (id === attribute.fileTitle) file.title = content
      else if (id === attribute.fileData) file.data = content
      else if (id === attribute.fileProperties) file.properties = readProperties(new Bytes(content))
    }
  }
  const text = (value: Uint8Array | undefined): string | undefined =>
    value === undefined ? undefined : readText(value, codepage)
  const own = (id: number): string | undefined => propertyText(properties.get(id), codepage)
  const rtf = properties.get(property.rtf)
  return {
    subject: own(property.subject) ?? text(message.subject),
    messageClass: text(message.class),
    text: own(property.body) ?? text(message.body),
    html: htmlOf(properties, codepage),
    rtf: rtf?.kind === 'bytes' ? decompressRtf(rtf.bytes) : undefined,
    files: files.map((file) => fileOf(file, codepage, depth)),
    defects: [...defects],
  }
}

function checksum(bytes: Uint8Array): number {
  let sum = 0
  for (const byte of bytes) sum = (sum + byte) & 0xffff
  return sum
}

function fileOf({ title, data, properties }: Reading, codepage: number | undefined, depth: number): TnefFile {
  const text = (id: number): string | undefined => propertyText(properties.get(id), codepage)
  const value = properties.get(property.data)
  let content = data
  if (value?.kind === 'bytes') {
    // An object begins with the name of its interface, 16 bytes; a message among them is TNEF again. [MS-OXTNEF] §2.1
    const inside = value.bytes.subarray(16)
    const isTnef = new Bytes(inside).u32() === signature
    if (isTnef || content === undefined) content = isTnef ? inside : value.bytes
  }
  const name = text(property.longName) ?? (title === undefined ? undefined : readText(title, codepage))
  const bytes = content ?? new Uint8Array(0)
  return {
    name: name ?? text(property.shortName) ?? text(property.displayName),
    type: text(property.mimeType)?.toLowerCase(),
    contentId: text(property.contentId)?.replace(/^<(.*)>$/s, '$1'),
    content: bytes,
    message: depth < depthMax ? read(bytes, depth + 1) : undefined,
  }
}

function htmlOf(properties: Map<number, PropertyValue>, codepage: number | undefined): string | undefined {
  const html = properties.get(property.html)
  if (html?.kind !== 'bytes') return propertyText(html, codepage)
  const said = properties.get(property.codepage)
  return readText(html.bytes, said?.kind === 'number' ? said.value : codepage)
}

function propertyText(value: PropertyValue | undefined, codepage: number | undefined): string | undefined {
  if (value?.kind !== 'text') return undefined
  const text = value.utf16 ? decodeCharset(value.bytes, 'utf-16le')! : readText(value.bytes, codepage)
  const clean = text.replace(/\0+$/, '')
  return clean === '' ? undefined : clean
}

/** Texts end with a NUL; their charset is the sender's Windows code page. */
function readText(bytes: Uint8Array, codepage: number | undefined): string {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end -= 1
  const exact = bytes.subarray(0, end)
  const charset = codepage === 65_001 ? 'utf-8' : codepage === 20_127 ? 'us-ascii' : `cp${codepage ?? 1252}`
  return decodeCharset(exact, charset) ?? decodeUnlabelled(exact)
}
