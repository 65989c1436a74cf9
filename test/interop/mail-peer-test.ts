/** Every mail server is put through the same cases with us, both ways. */
import { after, before } from 'node:test'
import { PeerCases } from './mail-peer-cases.ts'
import { testTakesFromUs } from './mail-peer-from-us.ts'
import { testSendsToUs } from './mail-peer-to-us.ts'
import { PeerWorld } from './mail-peer-world.ts'
import type { MailPeer } from './mail-peer.ts'

export function testMailPeer(peer: MailPeer): void {
  const cases = new PeerCases(peer)
  before(async () => {
    if (!peer.skip) cases.world = await PeerWorld.open(peer)
  })
  after(() => cases.world?.close())
  testSendsToUs(cases)
  testTakesFromUs(cases)
}
