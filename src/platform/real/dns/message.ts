/** DNS messages: encodes a query, decodes the response. RFC 1035 §4, RFC 6891. */
import { latin1 } from '../../../base/bytes.ts'

/** RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 2782, RFC 6698 §7.1. */
export const recordTypes = { a: 1, cname: 5, soa: 6, ptr: 12, mx: 15, txt: 16, aaaa: 28, srv: 33, tlsa: 52 } as const
export type RecordType = keyof typeof recordTypes

/** RFC 1035 §4.1.1. */
export const codes = { ok: 0, formatError: 1, serverFailure: 2, noName: 3, notImplemented: 4, refused: 5 } as const

/** A malformed message, which is not trusted. */
export class DnsFault extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'DnsFault'
  }
}

export interface RawRecord {
  /** Lower case without a trailing dot. */
  readonly name: string
  readonly type: number
  readonly ttlS: number
  /** Where its data is in the message; names in it may point to anywhere before. */
  readonly start: number
  readonly end: number
}

export interface DnsMessage {
  readonly bytes: Buffer
  readonly id: number
  readonly isAnswer: boolean
  readonly truncated: boolean
  /** AD: the resolver has validated the signatures. RFC 4035 §3.2.3. */
  readonly authentic: boolean
  readonly code: number
  readonly question: { readonly name: string; readonly type: number; readonly inClass: number } | undefined
  readonly answers: readonly RawRecord[]
  readonly authorities: readonly RawRecord[]
}

const headerBytes = 12
const classInternet = 1
const typeOpt = 41
/** A size that is never fragmented. RFC 9715 §3.2; larger responses come by TCP. */
const udpBytesMax = 1232
const recursionDesired = 0x0100
const authenticData = 0x0020
const dnssecOk = 0x8000
/** RFC 1035 §2.3.4. */
const nameBytesMax = 255
const labelBytesMax = 63

/** @returns undefined for an invalid name: empty labels, or too long. */
export function encodeName(name: string): Buffer | undefined {
  const bytes: number[] = []
  for (const label of name === '' ? [] : name.split('.')) {
    if (label === '' || label.length > labelBytesMax || /[^\x21-\x7e]/.test(label)) return undefined
    bytes.push(label.length, ...Buffer.from(label, 'latin1'))
  }
  bytes.push(0)
  return bytes.length > nameBytesMax ? undefined : Buffer.from(bytes)
}

export interface QuestionOptions {
  /** Use EDNS, to which very old servers respond with a format error. RFC 6891 §7. */
  readonly extended: boolean
  /** Request signatures (DO), and so validation. RFC 3225 §3. */
  readonly signatures: boolean
}

/**
 * A query to a recursive resolver. AD in it says that we understand AD in the response (RFC 6840 §5.7).
 * @returns undefined for an invalid name.
 */
export function encodeQuestion(id: number, name: string, type: number, options: QuestionOptions): Buffer | undefined {
  const encoded = encodeName(name)
  if (!encoded) return undefined
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(recursionDesired | authenticData, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(options.extended ? 1 : 0, 10)
  const asked = Buffer.alloc(4)
  asked.writeUInt16BE(type, 0)
  asked.writeUInt16BE(classInternet, 2)
  if (!options.extended) return Buffer.concat([header, encoded, asked])
  const extension = Buffer.alloc(11)
  extension.writeUInt16BE(typeOpt, 1)
  extension.writeUInt16BE(udpBytesMax, 3)
  if (options.signatures) extension.writeUInt16BE(dnssecOk, 7)
  return Buffer.concat([header, encoded, asked, extension])
}

/**
 * A name at `at`, following pointers. These only point backwards (RFC 1035 §4.1.4), so it ends.
 * Bytes that no host name has are escaped; such a name never equals one that we query.
 */
export function readName(bytes: Buffer, at: number): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let length = 0
  let end: number | undefined
  let before = at
  for (;;) {
    const size = bytes[at]
    if (size === undefined) throw new DnsFault('a name runs out of the message')
    if (size === 0) return { name: labels.join('.'), end: end ?? at + 1 }
    if (size >= 0xc0) {
      const low = bytes[at + 1]
      if (low === undefined) throw new DnsFault('a name runs out of the message')
      const target = ((size & 0x3f) << 8) | low
      if (target >= before) throw new DnsFault('a name points forward')
      end ??= at + 2
      before = at = target
      continue
    }
    if (size > labelBytesMax) throw new DnsFault('a label of an unknown kind')
    length += size + 1
    if (length >= nameBytesMax) throw new DnsFault('a name is too long')
    if (at + 1 + size > bytes.length) throw new DnsFault('a name runs out of the message')
    labels.push(labelText(latin1(bytes, at + 1, at + 1 + size)))
    at += size + 1
  }
}

/** RFC 1035 §5.1: \ddd. */
function labelText(label: string): string {
  return label
    .toLowerCase()
    .replace(/[^\x21-\x7e]|[.\\]/g, (character) => `\\${String(character.charCodeAt(0)).padStart(3, '0')}`)
}

function readRecords(bytes: Buffer, start: number, count: number): { records: RawRecord[]; end: number } {
  const records: RawRecord[] = []
  let at = start
  for (let i = 0; i < count; i++) {
    const { name, end } = readName(bytes, at)
    if (end + 10 > bytes.length) throw new DnsFault('a record runs out of the message')
    const dataStart = end + 10
    at = dataStart + bytes.readUInt16BE(end + 8)
    if (at > bytes.length) throw new DnsFault('a record runs out of the message')
    const ttlS = bytes.readUInt32BE(end + 4)
    // A TTL with its highest bit set counts as 0. RFC 2181 §8.
    const record = {
      name,
      type: bytes.readUInt16BE(end),
      ttlS: ttlS > 0x7fff_ffff ? 0 : ttlS,
      start: dataStart,
      end: at,
    }
    if (bytes.readUInt16BE(end + 2) === classInternet) records.push(record)
  }
  return { records, end: at }
}

/** Throws a DnsFault. Of a truncated message only the question is read, since the query is repeated by TCP. */
export function decodeMessage(given: Uint8Array): DnsMessage {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  if (bytes.length < headerBytes) throw new DnsFault('a message without a header')
  const flags = bytes.readUInt16BE(2)
  let at = headerBytes
  let question: DnsMessage['question']
  const questions = bytes.readUInt16BE(4)
  if (questions > 1) throw new DnsFault('more than one question')
  if (questions === 1) {
    const { name, end } = readName(bytes, at)
    if (end + 4 > bytes.length) throw new DnsFault('a question runs out of the message')
    question = { name, type: bytes.readUInt16BE(end), inClass: bytes.readUInt16BE(end + 2) }
    at = end + 4
  }
  const truncated = (flags & 0x0200) !== 0
  const answers = truncated ? { records: [], end: at } : readRecords(bytes, at, bytes.readUInt16BE(6))
  const authorities = truncated ? { records: [] } : readRecords(bytes, answers.end, bytes.readUInt16BE(8))
  return {
    bytes,
    id: bytes.readUInt16BE(0),
    isAnswer: (flags & 0x8000) !== 0,
    truncated,
    authentic: (flags & authenticData) !== 0,
    code: flags & 0x0f,
    question,
    answers: answers.records,
    authorities: authorities.records,
  }
}

/** Whether the response belongs to this query. RFC 5452 §4. */
export function answersQuestion(message: DnsMessage, id: number, name: string, type: number): boolean {
  const { question } = message
  if (!message.isAnswer || message.id !== id) return false
  // Servers that cannot parse a query may leave the question out.
  if (!question) return message.code === codes.formatError || message.code === codes.notImplemented
  return question.name === name && question.type === type && question.inClass === classInternet
}
