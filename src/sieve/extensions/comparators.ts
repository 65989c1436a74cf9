/** Comparators as extensions. RFC 5228 §2.7.3, RFC 4790 §9, RFC 5051. */
import { asciiCasemap, asciiNumeric, octet, unicodeCasemap, type Comparator } from '../comparator.ts'
import type { Extension } from '../declare.ts'

const named = (comparator: Comparator): Extension => ({
  capabilities: [`comparator-${comparator.name}`],
  comparators: [comparator],
})

export const comparators: readonly Extension[] = [octet, asciiCasemap, asciiNumeric, unicodeCasemap].map(named)
