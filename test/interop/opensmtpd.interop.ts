/** OpenSMTPD and we, each sending to the other. */
import { testMailPeer } from './mail-peer-test.ts'
import { openSmtpd } from './opensmtpd-peer.ts'

testMailPeer(openSmtpd)
