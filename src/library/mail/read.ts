/** Reading for other programs: also from text and ArrayBuffers; other values are rejected with a hint at what to do. */
import { checkOptions, type OptionTable } from '../../base/option-check.ts'
import { inspectMessage as inspect, type Inspection } from '../../mail/inspect/inspect.ts'
import type { Part } from '../../mail/mime/part.ts'
import { readStream as readChunks, type StreamEvent } from '../../mail/mime/stream.ts'
import { structureLimits, type StructureLimits } from '../../mail/mime/structure.ts'
import { readMessage as read, type ReadMessage } from '../../mail/view/read-message.ts'

/** A message in memory: bytes (not copied), or text (encoded as UTF-8). */
export type MessageSource = Uint8Array | ArrayBuffer | string

const limitOptions: OptionTable<StructureLimits> = {
  headerBytesMax: 'number',
  headersBytesMax: 'number',
  partsMax: 'number',
  depthMax: 'number',
  boundaryBytesMax: 'number',
}

/**
 * Reads a message in memory. Malformed messages do not throw.
 * @param limits those that differ from `structureLimits`.
 * Throws a TypeError for anything but bytes or text; for streams there is `readStream`.
 */
export function readMessage(source: MessageSource, limits: Partial<StructureLimits> = {}): ReadMessage {
  return read(bytesOf('readMessage', source), limitsOf('readMessage', limits))
}

/** What is malformed or unusual in a message, and where. Throws a TypeError for anything but bytes or text. */
export function inspectMessage(source: MessageSource, root?: Part): Inspection {
  return inspect(bytesOf('inspectMessage', source), root)
}

/**
 * Reads a message from a stream, in chunks of any size; memory does not grow with the message. Errors of the stream are passed on.
 * @param chunks bytes, or text (a stream with an encoding), which is encoded as UTF-8.
 * Throws a TypeError for a value that is not iterable.
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
  // Not instanceof: an ArrayBuffer of another realm (a frame, a sandbox) has another class.
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
