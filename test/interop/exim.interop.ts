/** Exim and we, each sending to the other. */
import { testMailPeer } from './mail-peer-test.ts'
import { exim } from './exim-peer.ts'

testMailPeer(exim)
