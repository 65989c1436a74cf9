/** The data of DNS records as values. RFC 1035 §3.3, RFC 2782, RFC 3596, RFC 6698 §2.1. */
import { latin1 } from '../../../base/bytes.ts'
import type { MxRecord, SrvRecord, TlsaRecord } from '../../../base/resolver.ts'
import { DnsFault, readName, type RecordType } from './message.ts'

export interface RecordValues {
  readonly a: string
  readonly aaaa: string
  readonly cname: string
  readonly ptr: string
  readonly mx: MxRecord
  /** Its strings joined, one character a byte. */
  readonly txt: string
  readonly srv: SrvRecord
  readonly tlsa: TlsaRecord
  /** What a negative answer may be kept for, seconds. RFC 2308 §4. */
  readonly soa: number
}

type Reader<T> = (bytes: Buffer, start: number, end: number) => T

function wholeName(bytes: Buffer, start: number, end: number): string {
  const { name, end: after } = readName(bytes, start)
  if (after !== end) throw new DnsFault('a name does not fill its record')
  return name
}

function atLeast(start: number, end: number, bytes: number): void {
  if (end - start < bytes) throw new DnsFault('a record is too short')
}

const readers: { readonly [T in RecordType]: Reader<RecordValues[T]> } = {
  a(bytes, start, end) {
    if (end - start !== 4) throw new DnsFault('an address of a wrong length')
    return bytes.subarray(start, end).join('.')
  },
  aaaa(bytes, start, end) {
    if (end - start !== 16) throw new DnsFault('an address of a wrong length')
    return formatIpv6(bytes.subarray(start, end))
  },
  cname: wholeName,
  ptr: wholeName,
  mx(bytes, start, end) {
    atLeast(start, end, 3)
    return { preference: bytes.readUInt16BE(start), exchange: wholeName(bytes, start + 2, end) }
  },
  txt(bytes, start, end) {
    let text = ''
    for (let at = start; at < end;) {
      const size = bytes[at]!
      if (at + 1 + size > end) throw new DnsFault('a text runs out of its record')
      text += latin1(bytes, at + 1, at + 1 + size)
      at += 1 + size
    }
    return text
  },
  srv(bytes, start, end) {
    atLeast(start, end, 7)
    return {
      priority: bytes.readUInt16BE(start),
      weight: bytes.readUInt16BE(start + 2),
      port: bytes.readUInt16BE(start + 4),
      target: wholeName(bytes, start + 6, end),
    }
  },
  tlsa(bytes, start, end) {
    atLeast(start, end, 4)
    return {
      usage: bytes[start]!,
      selector: bytes[start + 1]!,
      matching: bytes[start + 2]!,
      // Kept for as long as the record is: not the whole message with it.
      data: Uint8Array.from(bytes.subarray(start + 3, end)),
    }
  },
  soa(bytes, start, end) {
    const names = readName(bytes, readName(bytes, start).end).end
    if (end - names !== 20) throw new DnsFault('an SOA of a wrong length')
    return bytes.readUInt32BE(end - 4)
  },
}

export function readRecord<T extends RecordType>(type: T, bytes: Buffer, start: number, end: number): RecordValues[T] {
  return readers[type](bytes, start, end)
}

/** RFC 5952 §4: the longest run of two or more zero groups becomes `::`. */
function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i))
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (at + length < 8 && groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (best.at < 0) return hex(groups)
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`
}
