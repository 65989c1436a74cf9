/** Growth of the parsers of what clients, peers and operators say. */
import { testGrowth } from './grow.ts'
import { protocolParsers } from './protocol-parsers.ts'

testGrowth(protocolParsers)
