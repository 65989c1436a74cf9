/** Bytes of messages that were queued a moment ago: their first attempt follows at once, and need not ask the disk. */
import type { Operation } from '../operations.ts'

/** So much is kept; what came first goes first. */
const keptBytesMax = 4 * 1024 * 1024
/** Larger ones are read in slices, and would push out too many others. */
const contentBytesMax = 64 * 1024

export class FreshContents {
  readonly #kept = new Map<string, Uint8Array>()
  #bytes = 0

  /** Whatever of these operations waits for another host. */
  keep(operations: readonly Operation[]): void {
    for (const op of operations) {
      if (op.kind !== 'arrive' || !op.queue) continue
      const { inline } = op.content
      if (!inline || inline.length > contentBytesMax || this.#kept.has(op.arrivalId)) continue
      // A view into something larger would hold all of that.
      const bytes = inline.buffer.byteLength > 2 * inline.length ? Buffer.from(inline) : inline
      this.#kept.set(op.arrivalId, bytes)
      this.#bytes += bytes.length
    }
    for (const [id, bytes] of this.#kept) {
      if (this.#bytes <= keptBytesMax) return
      this.#kept.delete(id)
      this.#bytes -= bytes.length
    }
  }

  get(arrivalId: string): Uint8Array | undefined {
    return this.#kept.get(arrivalId)
  }
}
