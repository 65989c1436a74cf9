/** A cursor over little-endian bytes that never reads beyond their end. */
export class Bytes {
  readonly #bytes: Uint8Array
  #at = 0
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** A view of the next bytes; undefined, and nothing is taken, where there are not so many. */
  take(length: number): Uint8Array | undefined {
    if (length > this.#bytes.length - this.#at) return undefined
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** The next bytes, as many as there are. */
  takeUpTo(length: number): Uint8Array {
    return this.take(Math.min(length, this.#bytes.length - this.#at))!
  }

  u8(): number | undefined {
    return this.take(1)?.[0]
  }

  u16(): number | undefined {
    const bytes = this.take(2)
    return bytes === undefined ? undefined : bytes[0]! | (bytes[1]! << 8)
  }

  u32(): number | undefined {
    const bytes = this.take(4)
    return bytes === undefined
      ? undefined
      : (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0
  }
}
