/** Growth of the parsers of what stands in a field: words, types, dates, ids. */
import { testGrowth } from './grow.ts'
import { valueParsers } from './mail-parsers.ts'

testGrowth(valueParsers)
