/** All that is odd about a message, with the places. For people who ask why a message is read as it is, and for filters. */
import type { Header } from '../header.ts'
import type { Defect, Part } from '../mime/part.ts'
import { parseStructure } from '../mime/structure.ts'
import { fieldRange, inspectBoundary, inspectContent } from './content.ts'
import { DefectList } from './defects.ts'
import type { DefectName, FoundDefect } from './defects.ts'
import { headerOf, inspectHeader } from './header.ts'
import { inspectLines } from './lines.ts'

export interface Inspection {
  /** In the order of the message; at most `defectsPerNameMax` of a name. */
  readonly defects: readonly FoundDefect[]
  /** The number of each defect; only those that occur. */
  readonly counts: ReadonlyMap<DefectName, number>
}

/**
 * Checks every byte of a message for the defects in `defectNames`. A message can be read in spite of them. Never throws, whatever the
 * bytes are; ranges are those of the message. Linear in time; needs memory for the largest decoded part.
 * @param root the tree of these bytes, if already parsed.
 */
export function inspectMessage(bytes: Uint8Array, root: Part = parseStructure(bytes)): Inspection {
  const list = new DefectList()
  inspectLines(bytes, root, list)
  inspectPart(bytes, root, true, [], list)
  const header = headerOf(bytes, root)
  if (!header.has('from')) list.add('fromMissing', root.headerStart, root.bodyStart, root)
  if (!header.has('date')) list.add('dateMissing', root.headerStart, root.bodyStart, root)
  return { defects: list.found.sort((one, two) => one.start - two.start || one.end - two.end), counts: list.counts }
}

function inspectPart(
  bytes: Uint8Array,
  part: Part,
  isMessage: boolean,
  around: readonly string[],
  list: DefectList,
): void {
  const header = headerOf(bytes, part)
  inspectHeader(bytes, part, header, isMessage, list)
  for (const defect of part.defects) {
    // Told line by line by inspectHeader.
    if (defect !== 'headerLine') list.add(defect, ...rangeOf(defect, part, header), part)
  }
  if (part.kind === 'multipart') {
    const inside = [...around, inspectBoundary(part, header, around, list)]
    for (const child of part.children) inspectPart(bytes, child, false, inside, list)
  } else if (part.message !== undefined) inspectPart(bytes, part.message, true, around, list)
  else inspectContent(bytes, part, header, list)
}

function rangeOf(defect: Defect, part: Part, header: Header): [start: number, end: number] {
  switch (defect) {
    case 'headerUnfinished':
    case 'headerLine':
    case 'headerLimit':
      return [part.headerStart, part.bodyStart]
    case 'contentType':
    case 'boundaryMissing':
      return fieldRange(header, 'content-type', part)
    case 'compositeEncoded':
      return fieldRange(header, 'content-transfer-encoding', part)
    case 'partsMissing':
    case 'endMissing':
      return [part.bodyStart, part.bodyEnd]
    case 'nestingLimit':
    case 'partsLimit':
      return [part.headerStart, part.bodyEnd]
  }
}
