/** Growth of the parsers of Sieve scripts. RFC 5228 §8. */
import { testGrowth } from './grow.ts'
import { sieveParsers } from './sieve-parsers.ts'

testGrowth(sieveParsers)
