/** The tree of a message's parts, from bytes in memory; `StructureParser` finds the same in chunks. RFC 2046 §5. */
import type { Part } from './part.ts'
import { structureLimits, type StructureLimits } from './structure-limits.ts'
import { StructureParser } from './structure-parser.ts'

export { StructureParser, structureLimits, type StructureLimits }
export type { StructureListener } from './structure-listener.ts'

export function parseStructure(bytes: Uint8Array, limits: StructureLimits = structureLimits): Part {
  const parser = new StructureParser(limits)
  parser.push(bytes)
  return parser.end()
}
