/** Growth of the parsers of what proves a sender. */
import { testGrowth } from './grow.ts'
import { trustParsers } from './trust-parsers.ts'

testGrowth(trustParsers)
