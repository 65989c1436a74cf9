/** All extensions, in the order of their RFCs. */
import { core } from './core/core.ts'
import type { Extension } from './declare.ts'
import { comparators } from './extensions/comparators.ts'
import { fileinto } from './extensions/fileinto.ts'

export const extensions: readonly Extension[] = [core, fileinto, ...comparators]
