/** Small helpers for bytes. Bytes stay `Uint8Array` from socket to disk; text begins where a charset is named. */

export const empty: Uint8Array = new Uint8Array(0)

/** ASCII or latin1 text to bytes: one byte a character. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

/** Bytes as text of one character a byte; the inverse of `bytesOf`. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return view(bytes).latin1Slice(start, end)
}

export function utf8(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return view(bytes).utf8Slice(start, end)
}

/** The same memory as a Buffer, whose native scans are the quickest that Node has. */
export function view(
  bytes: Uint8Array,
): Buffer & { latin1Slice(s?: number, e?: number): string; utf8Slice(s?: number, e?: number): string } {
  return (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as never
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
