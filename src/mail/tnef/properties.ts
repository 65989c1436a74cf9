/** MAPI properties in TNEF attributes. [MS-OXTNEF] §2.1, [MS-OXCDATA] §2.11.1. */
import type { Bytes } from './bytes.ts'

/** A property value: bytes of binary values and objects, texts as bytes with their encoding, numbers. */
export type PropertyValue =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'text'; readonly bytes: Uint8Array; readonly utf16: boolean }
  | { readonly kind: 'number'; readonly value: number }

/** Properties read from one list: Outlook writes under 200, and each costs an object. */
export const propertiesMax = 5_000

/** Bytes that a value of a fixed type takes, padded to four. */
const fixed: Readonly<Record<number, number>> = {
  0x0001: 0,
  0x0002: 4,
  0x0003: 4,
  0x0004: 4,
  0x0005: 8,
  0x0006: 8,
  0x0007: 8,
  0x000a: 4,
  0x000b: 4,
  0x0014: 8,
  0x0040: 8,
  0x0048: 16,
}
const object = 0x000d
const string8 = 0x001e
const unicode = 0x001f
const binary = 0x0102
/** Set in the type of a list of values. */
const multiple = 0x1000

/**
 * The properties of a list by their number. Of several values, and of a repeated number, the first counts. Named properties (numbers
 * from 0x8000 on) are skipped. Reading ends at an unknown type, whose length is unknown too.
 */
export function readProperties(data: Bytes): Map<number, PropertyValue> {
  const found = new Map<number, PropertyValue>()
  const count = Math.min(data.u32() ?? 0, propertiesMax)
  for (let at = 0; at < count; at += 1) {
    const type = data.u16()
    const id = data.u16()
    if (type === undefined || id === undefined || (id >= 0x8000 && !skipName(data))) break
    const value = readValue(data, type)
    if (value === undefined) break
    if (value !== 'none' && id < 0x8000 && !found.has(id)) found.set(id, value)
  }
  return found
}

/** A set's GUID, then a number or a text. */
function skipName(data: Bytes): boolean {
  data.take(16)
  const kind = data.u32()
  if (kind === 0) return data.u32() !== undefined
  const length = data.u32()
  return length !== undefined && data.take(padded(length)) !== undefined
}

function readValue(data: Bytes, type: number): PropertyValue | 'none' | undefined {
  const base = type & ~multiple
  const size = fixed[base]
  const isVariable = base === object || base === string8 || base === unicode || base === binary
  if (size === undefined && !isVariable) return undefined
  // Values of no bytes: a list could claim four thousand million of them at no cost.
  if (size === 0) return type === base || data.u32() !== undefined ? 'none' : undefined
  // Values of no fixed size are always lists, mostly of one.
  const count = isVariable || type !== base ? data.u32() : 1
  if (count === undefined) return undefined
  let first: PropertyValue | 'none' = 'none'
  for (let at = 0; at < count; at += 1) {
    const length = size ?? data.u32()
    const bytes = length === undefined ? undefined : data.take(padded(length))
    if (bytes === undefined) return undefined
    if (at > 0) continue
    const exact = bytes.subarray(0, length)
    if (base === object || base === binary) first = { kind: 'bytes', bytes: exact }
    else if (isVariable) first = { kind: 'text', bytes: exact, utf16: base === unicode }
    else if (base === 0x0003)
      first = { kind: 'number', value: new DataView(exact.buffer, exact.byteOffset, 4).getInt32(0, true) }
  }
  return first
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}
