/** Chance from the kernel. */
import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../../base/random.ts'

/** Asked of the kernel at once: ids take a few bytes each, and every call costs more than its bytes. Used once, then overwritten. */
const poolBytes = 4096
let pool = Buffer.alloc(0)
let at = 0

export const realRandom: Random = {
  bytes(count) {
    if (count > poolBytes / 8) return randomBytes(count)
    if (at + count > pool.length) {
      pool = randomBytes(poolBytes)
      at = 0
    }
    const bytes = Buffer.from(pool.subarray(at, at + count))
    pool.fill(0, at, at + count)
    at += count
    return bytes
  },
  below: (end) => randomInt(end),
}
