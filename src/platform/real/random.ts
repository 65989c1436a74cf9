/** Chance from the kernel. */
import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../../base/random.ts'

export const realRandom: Random = {
  bytes: (count) => randomBytes(count),
  below: (end) => randomInt(end),
}
