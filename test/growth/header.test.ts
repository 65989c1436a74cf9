/** Growth of the parsers of header fields. */
import { testGrowth } from './grow.ts'
import { headerParsers } from './mail-parsers.ts'

testGrowth(headerParsers)
