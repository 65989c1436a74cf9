/**
 * The redo record: one commit with its message bytes, in one checksummed run of bytes. docs/architecture.md §1.
 *
 *   0  magic u32 · 4 version u16 · 6 kind u16 (highest bit: the first of its group) · 8 epoch u32 · 12 operations' length u32 · 16 sequence f64
 *  24  contents' length u32 · 28 numbers' length u32 · 32 SHA-256 of the contents · 64 CRC-32 of bytes 0–63, numbers and operations
 *  68  numbers (f64 each: what the writer gave) · operations (JSON) · contents, as they arrived · zeros up to a multiple of 8
 */
import { crc32 } from 'node:zlib'
import { hash } from 'node:crypto'

export const recordMagic = 0x31525050 // "PPR1"
export const headerBytes = 68
const version = 1

/** Set in the kind of a group's first record: what lies before it was synced before it was written. A hole before such a record is damage, no torn tail. */
const groupFirst = 0x8000

/** 1: operations and their contents. 2: contents moved by the sweep, with their ids as numbers. */
export type RecordKind = 1 | 2

export interface RecordView {
  readonly kind: RecordKind
  /** The first of a group: everything before it was on disk when it was written. */
  readonly first: boolean
  readonly epoch: number
  readonly sequence: number
  /** All of it, padding included. */
  readonly sizeBytes: number
  readonly numbers: Float64Array
  readonly operations: Uint8Array
  /** Where the contents start, from the record's start. */
  readonly contentsAt: number
  readonly contents: Uint8Array
}

export function recordSize(operationsBytes: number, contentsBytes: number, numbersCount: number): number {
  return (headerBytes + numbersCount * 8 + operationsBytes + contentsBytes + 7) & ~7
}

/** Lays a record out; the writer seals it once it has given the numbers. @returns where the contents go, from `at`. */
export function layRecord(
  target: Buffer,
  at: number,
  kind: RecordKind,
  numbersCount: number,
  operations: Uint8Array,
  contentsBytes: number,
): number {
  const size = recordSize(operations.length, contentsBytes, numbersCount)
  target.writeUInt32LE(recordMagic, at)
  target.writeUInt16LE(version, at + 4)
  target.writeUInt16LE(kind, at + 6)
  target.writeUInt32LE(operations.length, at + 12)
  target.writeUInt32LE(contentsBytes, at + 24)
  target.writeUInt32LE(numbersCount * 8, at + 28)
  target.set(operations, at + headerBytes + numbersCount * 8)
  const contentsAt = headerBytes + numbersCount * 8 + operations.length
  target.fill(0, at + contentsAt + contentsBytes, at + size)
  return contentsAt
}

/** Sequence, epoch, numbers, digest and CRC: the record is complete. A record can be sealed again, for another group. */
export function sealRecord(
  record: Buffer,
  first: boolean,
  epoch: number,
  sequence: number,
  numbers: readonly number[],
): void {
  record.writeUInt16LE(kindOf(record) | (first ? groupFirst : 0), 6)
  record.writeUInt32LE(epoch, 8)
  record.writeDoubleLE(sequence, 16)
  for (let i = 0; i < numbers.length; i++) record.writeDoubleLE(numbers[i]!, headerBytes + i * 8)
  const contentsAt = headerBytes + record.readUInt32LE(28) + record.readUInt32LE(12)
  digestOf(record.subarray(contentsAt, contentsAt + record.readUInt32LE(24))).copy(record, 32)
  record.writeUInt32LE(checksum(record, contentsAt), 64)
}

export function kindOf(record: Buffer): RecordKind {
  return (record.readUInt16LE(6) & ~groupFirst) as RecordKind
}

export function digestOf(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer')
}

/** The digest that a sealed record holds of all its contents. */
export function sealedDigest(record: Buffer): Buffer {
  return record.subarray(32, 64)
}

function checksum(record: Buffer, contentsAt: number): number {
  return crc32(record.subarray(headerBytes, contentsAt), crc32(record.subarray(0, 64)))
}

/** A record that is not whole: a torn write, an old one, or no record at all. */
export type RecordProblem = 'none' | 'torn' | 'damaged'

/** How long the record at the start of `bytes` claims to be; 0 where none begins. Needs `headerBytes` bytes. */
export function claimedSize(bytes: Buffer): number {
  if (bytes.length < headerBytes || bytes.readUInt32LE(0) !== recordMagic || bytes.readUInt16LE(4) !== version) return 0
  return recordSize(bytes.readUInt32LE(12), bytes.readUInt32LE(24), bytes.readUInt32LE(28) / 8)
}

/** Reads the record at the start of `bytes`; checks everything. */
export function readRecord(bytes: Buffer): RecordView | RecordProblem {
  const size = claimedSize(bytes)
  if (size === 0) return 'none'
  if (size > bytes.length) return 'torn'
  const operationsBytes = bytes.readUInt32LE(12)
  const contentsBytes = bytes.readUInt32LE(24)
  const numbersBytes = bytes.readUInt32LE(28)
  const contentsAt = headerBytes + numbersBytes + operationsBytes
  if (checksum(bytes, contentsAt) !== bytes.readUInt32LE(64)) return 'damaged'
  const contents = bytes.subarray(contentsAt, contentsAt + contentsBytes)
  if (!digestOf(contents).equals(bytes.subarray(32, 64))) return 'damaged'
  const numbers = new Float64Array(numbersBytes / 8)
  for (let i = 0; i < numbers.length; i++) numbers[i] = bytes.readDoubleLE(headerBytes + i * 8)
  return {
    kind: kindOf(bytes),
    first: (bytes.readUInt16LE(6) & groupFirst) !== 0,
    epoch: bytes.readUInt32LE(8),
    sequence: bytes.readDoubleLE(16),
    sizeBytes: size,
    numbers,
    operations: bytes.subarray(headerBytes + numbersBytes, contentsAt),
    contentsAt,
    contents,
  }
}
