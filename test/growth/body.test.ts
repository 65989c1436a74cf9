/** Growth of the parsers of structure, bodies and reports. */
import { testGrowth } from './grow.ts'
import { bodyParsers } from './mail-parsers.ts'

testGrowth(bodyParsers)
