/** Reading for other programs: text and ArrayBuffers are taken too; what is no message yet is told how to become one. */
import { checkOptions, type OptionTable } from '../../base/option-check.ts'
import { inspectMessage as inspect, type Inspection } from '../../mail/inspect/inspect.ts'
import type { Part } from '../../mail/mime/part.ts'
import { readStream as readChunks, type StreamEvent } from '../../mail/mime/stream.ts'
import { structureLimits, type StructureLimits } from '../../mail/mime/structure.ts'
import { readMessage as read, type ReadMessage } from '../../mail/view/read-message.ts'

/** A message that is in memory: bytes, which are not copied, or text, which is taken as UTF-8. */
export type MessageSource = Uint8Array | ArrayBuffer | string

const limitOptions: OptionTable<StructureLimits> = {
  headerBytesMax: 'number',
  headersBytesMax: 'number',
  partsMax: 'number',
  depthMax: 'number',
  boundaryBytesMax: 'number',
}

/**
 * Reads a message that is in memory. Whatever the bytes are, it does not throw because of them.
 * @param limits what of `structureLimits` is to be otherwise.
 * Throws a TypeError for what is neither bytes nor text: a stream is gathered first, or read by `readStream`.
 */
export function readMessage(source: MessageSource, limits: Partial<StructureLimits> = {}): ReadMessage {
  return read(bytesOf('readMessage', source), limitsOf('readMessage', limits))
}

/** What is odd about a message, and where. Throws a TypeError for what is neither bytes nor text. */
export function inspectMessage(source: MessageSource, root?: Part): Inspection {
  return inspect(bytesOf('inspectMessage', source), root)
}

/**
 * Reads a message as it comes, in chunks of any size; memory does not grow with it. Rejects with what the source rejects with.
 * @param chunks bytes, or text (as of a stream with an encoding), which is taken as UTF-8.
 * Throws a TypeError for what gives no chunks.
 */
export function readStream(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  limits: Partial<StructureLimits> = {},
): AsyncGenerator<StreamEvent, void> {
  if (typeof chunks === 'string' || ArrayBuffer.isView(chunks))
    throw new TypeError('readStream takes chunks: a message that is in memory is read by readMessage')
  if (typeof chunks !== 'object' || chunks === null || !(Symbol.asyncIterator in chunks || Symbol.iterator in chunks))
    throw new TypeError(`readStream takes chunks${hint(chunks)}`)
  return readChunks(inBytes(chunks), limitsOf('readStream', limits))
}

async function* inBytes(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield bytesOf('readStream', chunk)
}

function limitsOf(where: string, limits: Partial<StructureLimits>): StructureLimits {
  checkOptions(where, limits, limitOptions)
  return { ...structureLimits, ...limits }
}

function bytesOf(where: string, source: unknown): Uint8Array {
  if (source instanceof Uint8Array) return source
  if (typeof source === 'string') return new TextEncoder().encode(source)
  // One of another realm (a frame, a sandbox) is of another class.
  if (Object.prototype.toString.call(source) === '[object ArrayBuffer]') return new Uint8Array(source as ArrayBuffer)
  throw new TypeError(`${where} takes bytes or text${hint(source)}`)
}

function hint(source: unknown): string {
  if (typeof source !== 'object' || source === null) return `, not ${source === null ? 'null' : typeof source}`
  if ('arrayBuffer' in source) return ': of this, give await it.arrayBuffer()'
  if ('toArray' in source) return ': of a stream, give Buffer.concat(await stream.toArray()), or use readStream'
  if (Symbol.asyncIterator in source || 'getReader' in source)
    return ': of a stream, give await new Response(stream).arrayBuffer(), or use readStream'
  return ', not an object'
}
