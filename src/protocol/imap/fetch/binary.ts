/** BINARY[part] and BINARY.SIZE[part]: true bytes, NUL included, as literal8. RFC 9051 §6.4.5, RFC 3516 §4. */
import { readSliceBytes } from '../../../mail/content.ts'
import type { MessageBytes } from '../../../mail/content.ts'
import { findPart } from '../../../mail/imap/section.ts'
import type { ByteRange } from '../../../mail/imap/section.ts'
import { transferDecoder, transferEncoding } from '../../../mail/mime/transfer-encoding.ts'
import type { TransferEncoding } from '../../../mail/mime/transfer-encoding.ts'
import type { Conversation } from '../command.ts'
import type { BinaryItem } from './items.ts'
import { structureOf } from './structure.ts'

interface Encoded {
  readonly range: ByteRange
  readonly encoding: TransferEncoding
}

/**
 * Says one item. The size must be known before the first byte, so an encoded part is decoded twice: memory stays flat.
 * @returns false for a part with an unknown transfer encoding.
 */
export async function* sendBinary(conversation: Conversation, uid: number, item: BinaryItem, bytes: MessageBytes) {
  const { out } = conversation
  const encoded = await lookUp(conversation, uid, item, bytes)
  if (!encoded || encoded.encoding === 'other') {
    out.text(`${item.label} ${item.kind === 'binary' ? 'NIL' : '0'}`)
    return !encoded
  }
  const whole = await decodedSize(bytes, encoded)
  if (item.kind === 'binarySize') {
    out.text(`${item.label} ${whole}`)
    return true
  }
  const first = Math.min(item.partial?.first ?? 0, whole)
  const end = Math.min(whole, first + (item.partial?.count ?? whole))
  out.text(`${item.label} ~{${end - first}}\r\n`)
  let at = 0
  for await (const piece of decoded(bytes, encoded)) {
    const from = Math.max(first - at, 0)
    const to = Math.min(end - at, piece.length)
    at += piece.length
    if (from < to) out.bytes(piece.subarray(from, to))
    if (out.full) yield out.take()
    if (at >= end) break
  }
  return true
}

async function lookUp(
  conversation: Conversation,
  uid: number,
  { section }: BinaryItem,
  bytes: MessageBytes,
): Promise<Encoded | undefined> {
  if (section.part.length === 0) return { range: [0, bytes.sizeBytes], encoding: 'identity' }
  const part = findPart(await structureOf(conversation, uid, bytes), section.part)
  if (!part) return undefined
  const leaf = part.kind === 'text' || part.kind === 'basic'
  const encoding = leaf ? transferEncoding(part.encoding) : 'identity'
  return { range: [part.bodyStart, part.bodyEnd], encoding }
}

async function decodedSize(bytes: MessageBytes, encoded: Encoded): Promise<number> {
  const [start, end] = encoded.range
  if (encoded.encoding === 'identity') return end - start
  let size = 0
  for await (const piece of decoded(bytes, encoded)) size += piece.length
  return size
}

async function* decoded(bytes: MessageBytes, { range, encoding }: Encoded): AsyncGenerator<Uint8Array, void, void> {
  const [start, end] = range
  const decoder = transferDecoder(encoding)
  for (let at = start; at < end; at += readSliceBytes)
    yield decoder.write(await bytes.read(at, Math.min(at + readSliceBytes, end)))
  yield decoder.end()
}
