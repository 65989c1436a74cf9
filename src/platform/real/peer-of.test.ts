import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import type { Socket } from 'node:net'
import type { Connection } from '../../base/network.ts'
import { realHttp } from './http.ts'
import { realNetwork } from './network.ts'
import { peerOf } from './peer-of.ts'
import { makeSelfSigned } from './self-signed.ts'
import { RealTls } from './tls.ts'

/** Connects, sends something and resets the connection, all before this process has its next turn. */
function comeAndGo(port: number): void {
  const script = `const socket = require('node:net').connect(${port}, '127.0.0.1', () => {
    socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\\r\\nEHLO x\\r\\n', () => socket.resetAndDestroy())
  })`
  execFileSync(process.execPath, ['-e', script])
}

const someTurns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => void setTimeout(resolve, 5))
}

test('a connection that was reset before it was accepted has no peer: it is never handed on', async () => {
  const tls = new RealTls([await makeSelfSigned(['localhost'], Date.now())])
  for (const more of [{}, { tls }, { proxied: () => true }]) {
    const seen: Connection[] = []
    const faults: string[] = []
    const listener = await realNetwork.listen(
      { address: '127.0.0.1', port: 0, ...more },
      (connection) => seen.push(connection),
      (peer, error) => faults.push(`${peer?.address} ${error.message}`),
    )
    comeAndGo(listener.port)
    await someTurns()
    assert.deepEqual([seen.map(({ peer }) => peer.address), faults], [[], []])
    await listener.close()
  }
})

test('the same where pages are served', async () => {
  const asked: string[] = []
  const place = { address: '127.0.0.1', port: 0, proxied: (address: string) => void asked.push(address) as never }
  const listener = await realHttp.listen(place, () => Promise.reject(new Error('nobody asks')))
  comeAndGo(listener.port)
  await someTurns()
  assert.deepEqual(asked, [])
  await listener.close()
})

test('an IPv4 address in IPv6 clothes is told as IPv4; what a socket does not know is empty, and no port', () => {
  const of = (facts: object): unknown[] => Object.values(peerOf(facts as Socket))
  const known = { remoteAddress: '::ffff:192.0.2.1', remotePort: 40000, localAddress: '2001:db8::1', localPort: 25 }
  assert.deepEqual(of(known), ['192.0.2.1', 40000, '2001:db8::1', 25])
  // A socket of the file system.
  assert.deepEqual(of({}), ['', 0, '', 0])
})
