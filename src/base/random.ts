/** The interface to random numbers: cryptographic in production, seeded in the simulator. */

export interface Random {
  bytes(count: number): Uint8Array
  /** A whole number, 0 ≤ n < end. */
  below(end: number): number
}

/** Lower-case base 32 without vowels, so that ids spell no words: people read them aloud. */
const idAlphabet = '0123456789bcdfghjklmnpqrstvwxyz_'.slice(0, 32)

/** A name of `length` characters, five bits each. */
export function randomId(random: Random, length: number): string {
  let text = ''
  for (const byte of random.bytes(length)) text += idAlphabet[byte & 31]!
  return text
}
