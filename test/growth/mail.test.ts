/** Growth of the parsers of messages. */
import { testGrowth } from './grow.ts'
import { mailParsers } from './mail-parsers.ts'

testGrowth(mailParsers)
