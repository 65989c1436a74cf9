/** Every parser that strangers, peers, users or operators can reach. `every-parser.test.ts` finds one that is missing. */
import { bodyParsers, headerParsers, valueParsers } from './mail-parsers.ts'
import type { Parser } from './parser.ts'
import { protocolParsers } from './protocol-parsers.ts'
import { sieveParsers } from './sieve-parsers.ts'
import { trustParsers } from './trust-parsers.ts'

export const parsers: readonly Parser[] = [
  ...headerParsers,
  ...valueParsers,
  ...bodyParsers,
  ...trustParsers,
  ...protocolParsers,
  ...sieveParsers,
]
