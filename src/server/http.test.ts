import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realHttp } from '../platform/real/http.ts'
import { answerHttp, type HttpTools } from './http.ts'

const counts = { accounts: 2, messages: 30, contents: 20, queued: 4, segments: 1, walBytes: 0 }
let ready = true
const tools: HttpTools = {
  read: { counts: () => counts } as HttpTools['read'],
  connections: () => 7,
  ready: () => ready,
}
const from = (address: string) => ({ address, port: 1, localAddress: '', localPort: 80 })

test('health, readiness and figures over a real socket', async () => {
  const listener = await realHttp.listen({ address: '127.0.0.1', port: 0 }, async (request) =>
    answerHttp(tools, request),
  )
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`)
    return [response.status, await response.text()]
  }
  assert.deepEqual(await get('/healthz'), [200, 'ok\n'])
  assert.deepEqual(await get('/readyz?x'), [200, 'ready\n'])
  ready = false
  assert.equal((await get('/readyz'))[0], 503)
  const [status, figures] = await get('/metrics')
  assert.equal(status, 200)
  assert.match(figures, /^pennypost_connections 7$/m)
  assert.match(figures, /^pennypost_queue_recipients 4$/m)
  assert.ok(figures.endsWith('# EOF\n'))
  assert.equal((await get('/'))[0], 404)
  await listener.close()
})

test('others than loopback hear nothing, and nothing but GET is understood', () => {
  assert.equal(answerHttp(tools, { method: 'GET', path: '/metrics', peer: from('192.0.2.1') }).status, 403)
  assert.equal(answerHttp(tools, { method: 'POST', path: '/metrics', peer: from('127.0.0.1') }).status, 405)
})
