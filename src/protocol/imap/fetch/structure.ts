/** The part tree of a message, and its header, read in bounded pieces. */
import { headerEnd } from '../../../mail/header.ts'
import { readSliceBytes } from '../../../mail/content.ts'
import type { MessageBytes } from '../../../mail/content.ts'
import type { Part } from '../../../mail/mime/part.ts'
import { parseStructure, StructureParser } from '../../../mail/mime/structure.ts'
import { structureInMemoryMaxBytes } from '../limits.ts'

export interface LastStructure {
  readonly uid: number
  /** Weak, so that an idle session holds no tree. */
  readonly part: WeakRef<Part>
}

/** A header that is taken into memory, to choose fields of it. What lies beyond is body to us. */
const headerMaxBytes = structureInMemoryMaxBytes

/** Where a session remembers the tree it made last: several sections of one message are often asked in turn. */
export interface StructureMemory {
  structure: LastStructure | undefined
}

export async function structureOf(memory: StructureMemory, uid: number, bytes: MessageBytes): Promise<Part> {
  const last = memory.structure
  const known = last?.uid === uid ? last.part.deref() : undefined
  if (known) return known
  const part = await parse(bytes)
  memory.structure = { uid, part: new WeakRef(part) }
  return part
}

async function parse(bytes: MessageBytes): Promise<Part> {
  const { sizeBytes } = bytes
  if (sizeBytes <= structureInMemoryMaxBytes) return parseStructure(await bytes.read(0, sizeBytes))
  const parser = new StructureParser()
  for (let at = 0; at < sizeBytes; at += readSliceBytes)
    parser.push(await bytes.read(at, Math.min(at + readSliceBytes, sizeBytes)))
  return parser.end()
}

/** The message's own header with its blank line. Reads no more than it must: most headers end in the first slice. */
export async function headerOf(bytes: MessageBytes): Promise<Uint8Array> {
  const most = Math.min(bytes.sizeBytes, headerMaxBytes)
  for (let size = Math.min(16_384, most); ; size = Math.min(size * 4, most)) {
    const start = await bytes.read(0, size)
    const end = headerEnd(start, 0, size)
    // An end at the very end may be the beginning of a longer line.
    if (end < size || size === most) return start.subarray(0, end)
  }
}
