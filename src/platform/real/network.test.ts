import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Connection } from '../../base/network.ts'
import { realNetwork } from './network.ts'

const words = Buffer.alloc(1_000_000, 'goodbye ')

/** A client that reads everything and never ends its own side. */
async function farewell(peerIsDone: boolean): Promise<{ heardBytes: number; closed: boolean }> {
  let closed = false
  let gone = (): void => {}
  const whenGone = new Promise<void>((resolve) => (gone = resolve))
  const listener = await realNetwork.listen({ address: '127.0.0.1', port: 0 }, (connection: Connection) => {
    const close = (): void => {
      closed = true
      gone()
    }
    connection.receive({ data() {}, drain() {}, end() {}, close })
    connection.write(words)
    connection.end(peerIsDone)
  })
  const client = connect({ host: listener.address, port: listener.port, allowHalfOpen: true })
  let heardBytes = 0
  client.on('data', (chunk) => (heardBytes += chunk.length))
  await once(client, 'end')
  if (peerIsDone) await whenGone
  // Without waiting, the socket would be closed within a turn or two.
  else for (let turn = 0; turn < 10; turn++) await setImmediate()
  const result = { heardBytes, closed }
  client.end()
  await whenGone
  await listener.close()
  return result
}

test('who ends a connection waits until the peer ends it too', async () => {
  assert.deepEqual(await farewell(false), { heardBytes: words.length, closed: false })
})

test('a peer that is done is told everything, and not waited for', async () => {
  assert.deepEqual(await farewell(true), { heardBytes: words.length, closed: true })
})
