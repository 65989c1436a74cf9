/** The header in which a proxy names the client of a connection: HAProxy's PROXY protocol, versions 1 and 2. */
import { latin1 } from './bytes.ts'
import { crc32c } from './crc32c.ts'
import { parseIpAddress } from './ip-network.ts'

export interface ProxiedAddresses {
  readonly address: string
  readonly port: number
  /** The address that the client connected to. */
  readonly localAddress: string
  readonly localPort: number
}

export type ProxyHeader =
  /** The beginning of a header; more bytes are needed. */
  | { readonly kind: 'incomplete' }
  /** No header, or a malformed one: the client is unknown, and the connection must be closed. */
  | { readonly kind: 'fault'; readonly problem: string }
  /** `addresses` is undefined if the proxy connects for itself, or does not know: the connection's own addresses then apply. */
  | { readonly kind: 'header'; readonly sizeBytes: number; readonly addresses: ProxiedAddresses | undefined }

/** The longest line of version 1, with its CRLF. §2.1. */
const lineBytesMax = 107
const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a)
/** Signature, version and command, family and protocol, length. §2.2. */
const fixedBytes = 16
/** Addresses and TLVs of version 2. The largest TLV is a client certificate; more is an attack on our memory. */
export const version2BytesMax = 4096
const crcType = 3

const incomplete: ProxyHeader = { kind: 'incomplete' }

function fault(problem: string): ProxyHeader {
  return { kind: 'fault', problem }
}

/** @param bytes from the connection's first on. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (bytes.length === 0) return incomplete
  if (startsAs(bytes, signature)) return bytes.length < fixedBytes ? incomplete : version2(bytes)
  if (startsAs(bytes, linePrefix)) return version1(bytes)
  return fault('no PROXY header')
}

const linePrefix = Uint8Array.from('PROXY ', (char) => char.charCodeAt(0))

function startsAs(bytes: Uint8Array, wanted: Uint8Array): boolean {
  return wanted.subarray(0, bytes.length).every((byte, i) => bytes[i] === byte)
}

function version1(bytes: Uint8Array): ProxyHeader {
  const end = bytes.subarray(0, lineBytesMax).indexOf(0x0a)
  if (end < 0) return bytes.length < lineBytesMax ? incomplete : fault('a PROXY line that does not end')
  const line = latin1(bytes, 0, end + 1)
  const sizeBytes = end + 1
  // Anything after UNKNOWN is to be ignored. §2.1.
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?\r\n$/.test(line)) return { kind: 'header', sizeBytes, addresses: undefined }
  const match = /^PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})\r\n$/.exec(line)
  const [, family, address = '', localAddress = '', from, to] = match ?? []
  const [port, localPort] = [Number(from), Number(to)]
  const fits = (text: string): boolean => text.includes(':') === (family === '6') && parseIpAddress(text) !== undefined
  if (!match || !fits(address) || !fits(localAddress) || port > 65_535 || localPort > 65_535)
    return fault('a PROXY line that is mis-spelled')
  return { kind: 'header', sizeBytes, addresses: { address: plain(address), port, localAddress, localPort } }
}

/** As sockets report it: an IPv4-mapped IPv6 address as IPv4. */
function plain(address: string): string {
  const bytes = parseIpAddress(address)!
  return bytes.length === 4 ? bytes.join('.') : address.toLowerCase()
}

function version2(bytes: Uint8Array): ProxyHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [command, family, length] = [view.getUint8(12), view.getUint8(13), view.getUint16(14)]
  if (command >> 4 !== 2) return fault(`a PROXY header of version ${command >> 4}`)
  if ((command & 15) > 1) return fault('a PROXY command that does not exist')
  if (length > version2BytesMax) return fault(`a PROXY header of ${length} bytes`)
  const sizeBytes = fixedBytes + length
  if (bytes.length < sizeBytes) return incomplete
  const header = bytes.subarray(0, sizeBytes)
  const local = (command & 15) === 0
  const size = local ? undefined : addressBytes.get(family)
  if (!local && size === undefined) return fault('a PROXY header of a family that no mail comes by')
  if ((size ?? 0) > length) return fault('a PROXY header without its addresses')
  // LOCAL is the proxy's own health check: its addresses and TLVs are skipped, whatever the family. §2.2.
  const problem = local ? undefined : wrongTlv(header, fixedBytes + size!)
  if (problem !== undefined) return fault(problem)
  return { kind: 'header', sizeBytes, addresses: local ? undefined : addressesOf(header, view, family) }
}

/** TCP only. Unspecified, and Unix sockets, carry no address that we could use. */
const addressBytes: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x21, 36],
  [0x31, 216],
])

function addressesOf(header: Uint8Array, view: DataView, family: number): ProxiedAddresses | undefined {
  if (family !== 0x11 && family !== 0x21) return undefined
  const length = family === 0x11 ? 4 : 16
  const [from, to, ports] = [fixedBytes, fixedBytes + length, fixedBytes + 2 * length]
  return {
    address: formatAddress(header.subarray(from, to)),
    port: view.getUint16(ports),
    localAddress: formatAddress(header.subarray(to, ports)),
    localPort: view.getUint16(ports + 2),
  }
}

function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i).toString(16))
  // The longest run of zeros becomes `::`, since addresses are compared with those of sockets. RFC 5952 §4.2.
  const text = groups.join(':')
  const zeros = [...text.matchAll(/(?:^|:)(0(?::0)+)(?=:|$)/g)].sort((a, b) => b[1]!.length - a[1]!.length)[0]
  if (!zeros) return plain(text)
  const at = zeros.index
  const short = `${text.slice(0, at)}::${text.slice(at + zeros[0].length).replace(/^:/, '')}`
  return plain(short)
}

/** @returns what is wrong with them. */
function wrongTlv(header: Uint8Array, start: number): string | undefined {
  for (let at = start; at < header.length;) {
    if (at + 3 > header.length) return 'a PROXY header with a broken field'
    const [type, length] = [header[at]!, (header[at + 1]! << 8) | header[at + 2]!]
    const end = at + 3 + length
    if (end > header.length) return 'a PROXY header with a broken field'
    if (type === crcType && (length !== 4 || !isIntact(header, at + 3))) return 'a PROXY header that is damaged'
    at = end
  }
  return undefined
}

/** The checksum counts its own four bytes as zero. §2.2.4. */
function isIntact(header: Uint8Array, at: number): boolean {
  const copy = Uint8Array.from(header)
  copy.fill(0, at, at + 4)
  return crc32c(copy) === new DataView(header.buffer, header.byteOffset).getUint32(at)
}
