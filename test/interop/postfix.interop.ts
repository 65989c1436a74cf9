/** Postfix and we, each sending to the other. */
import { testMailPeer } from './mail-peer-test.ts'
import { postfix } from './postfix-peer.ts'

testMailPeer(postfix)
