/** Reads a message while it arrives: parts and decoded bodies as events, in memory that does not grow with it. RFC 2045, RFC 2046. */
import { Header } from '../header.ts'
import type { Part } from './part.ts'
import { StructureParser, structureLimits } from './structure.ts'
import type { StructureLimits } from './structure.ts'
import { transferDecoder, transferEncoding } from './transfer-encoding.ts'
import type { TransferDecoder } from './transfer-encoding.ts'

/**
 * The events of a message, in order. Each part begins and ends once, its children in between; the message itself is the first to begin
 * and the last to end, and then its `part` is the whole tree, as `parseStructure` returns it.
 */
export type StreamEvent =
  /** The header was read: `kind`, `contentType` and so on of the part are final; `bodyEnd`, `lines`, `children` are not. */
  | { readonly kind: 'begin'; readonly part: Part; readonly header: Header }
  /** Bytes of the body of a leaf, its transfer encoding undone. They may be a view of the chunk that was pushed. */
  | { readonly kind: 'body'; readonly part: Part; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly part: Part }

/** Whether a part has a body of its own rather than parts. */
const isLeaf = (part: Part): boolean => part.kind !== 'multipart' && part.message === undefined

const lf = 0x0a
const cr = 0x0d
const none = new Uint8Array(0)

/**
 * Takes a message in chunks, cut anywhere, and returns its events. Never throws, whatever the bytes are.
 *
 * Held are the tree, the open header, and of a body the line end and the beginning of a line that may belong to a delimiter.
 */
export class StreamReader {
  readonly #parser: StructureParser
  readonly #happened: { readonly part: Part; readonly header: string | undefined; readonly body: string }[] = []
  /** The leaf that is open, and how its body is decoded. */
  #leaf: Part | undefined
  #decoder: TransferDecoder | undefined
  /** The bytes at hand: those from here on that are not given out. */
  #window: Uint8Array = none
  #windowStart = 0
  /** How far the body of the leaf was given out. */
  #given = 0

  constructor(limits: StructureLimits = structureLimits) {
    this.#parser = new StructureParser(limits, {
      partBegins: (part, header, body) => this.#happened.push({ part, header, body }),
      partEnds: (part) => this.#happened.push({ part, header: undefined, body: '' }),
    })
  }

  /** Takes the next bytes. They may be overwritten after the events were handled. */
  push(chunk: Uint8Array): StreamEvent[] {
    this.#window = this.#window.length === 0 ? chunk : Buffer.concat([this.#window, chunk])
    this.#parser.push(chunk)
    const events = this.#events()
    const { position } = this.#parser
    if (this.#leaf !== undefined) this.#give(events, position - this.#lineEndBefore(position))
    const kept = this.#leaf === undefined ? position : Math.min(position, this.#given)
    this.#window = new Uint8Array(this.#window.subarray(kept - this.#windowStart))
    this.#windowStart = kept
    return events
  }

  /** Call after the last bytes: the last event is the end of the message. */
  end(): StreamEvent[] {
    this.#parser.end()
    return this.#events()
  }

  #events(): StreamEvent[] {
    const events: StreamEvent[] = []
    for (const { part, header, body } of this.#happened) {
      if (header !== undefined) {
        events.push({ kind: 'begin', part, header: new Header(header, part.headerStart) })
        // It was looked at before, as header: what of it is no more at hand is put back.
        const missing = body.slice(0, Math.max(0, this.#windowStart - part.bodyStart))
        if (missing !== '') {
          this.#window = Buffer.concat([Buffer.from(missing, 'latin1'), this.#window])
          this.#windowStart -= missing.length
        }
        if (!isLeaf(part)) continue
        this.#leaf = part
        this.#given = part.bodyStart
        const encoding = transferEncoding(part.encoding)
        this.#decoder = encoding === 'identity' || encoding === 'other' ? undefined : transferDecoder(encoding)
      } else {
        if (this.#leaf === part) {
          this.#give(events, part.bodyEnd)
          const rest = this.#decoder?.end()
          if (rest !== undefined && rest.length > 0) events.push({ kind: 'body', part, bytes: rest })
          this.#leaf = undefined
        }
        events.push({ kind: 'end', part })
      }
    }
    this.#happened.length = 0
    return events
  }

  #give(events: StreamEvent[], end: number): void {
    if (end <= this.#given) return
    const raw = this.#window.subarray(this.#given - this.#windowStart, end - this.#windowStart)
    this.#given = end
    const bytes = this.#decoder === undefined ? raw : this.#decoder.write(raw)
    if (bytes.length > 0) events.push({ kind: 'body', part: this.#leaf!, bytes })
  }

  /** The length of what may be the line end of a delimiter that follows. */
  #lineEndBefore(position: number): number {
    const at = position - this.#windowStart
    const last = this.#window[at - 1]
    if (last === cr) return 1
    return last === lf ? (this.#window[at - 2] === cr ? 2 : 1) : 0
  }
}

/**
 * The events of a message from a stream. Memory does not grow with the message, unless the caller keeps events.
 * Errors of the stream are passed on; the bytes themselves cause none.
 */
export async function* readStream(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limits: StructureLimits = structureLimits,
): AsyncGenerator<StreamEvent, void> {
  const reader = new StreamReader(limits)
  for await (const chunk of chunks) yield* reader.push(chunk)
  yield* reader.end()
}
