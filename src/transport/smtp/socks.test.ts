import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { makeAuthority } from '../../../test/stories/client-certificates.ts'
import { smtpServer } from '../../../test/support/smtp-server.ts'
import { socksServer, type SocksServerOptions } from '../../../test/support/socks-server.ts'
import { silentLog } from '../../base/log.ts'
import { Wheel } from '../../base/wheel.ts'
import { realClock } from '../../platform/real/clock.ts'
import { realNetwork } from '../../platform/real/network.ts'
import { simulatedResolver } from '../../platform/simulated/resolver.ts'
import { SmtpClient } from '../../protocol/smtp/client.ts'
import type { Proxy } from '../static-routes.ts'
import { throughProxy } from './socks.ts'

const pair = await (await makeAuthority('somebody')).sign({ names: ['mail.a.example'] })
const resolver = simulatedResolver({
  names: new Map([['proxy.example', { addresses: ['127.0.0.1'] }]]),
  fails: () => false,
})

interface Tried {
  readonly outcome: string
  readonly asked: readonly string[]
  readonly heard: readonly string[]
}

async function attempt(
  t: TestContext,
  server: SocksServerOptions,
  proxy: Partial<Proxy> = {},
  address = '192.0.2.7',
): Promise<Tried> {
  const mail = await smtpServer({ pair })
  const socks = await socksServer({ to: mail.port, ...server })
  t.after(() => Promise.all([mail.close(), socks.close()]))
  const place = { host: '127.0.0.1', port: socks.port, ...proxy }
  const network = throughProxy({ network: realNetwork, resolver, clock: realClock }, place)
  const tools = { network, clock: realClock, wheel: new Wheel(realClock), log: silentLog, hostname: 'c.example' }
  const facts = { asked: socks.asked, heard: mail.heard }
  try {
    const client = await SmtpClient.connect({ ...tools, address, port: 25, connectTimeoutMs: 2000 })
    await client.startTls({ serverName: 'mail.a.example', verify: 'none' })
    await client.quit()
    return { outcome: client.tls!.version, ...facts }
  } catch (error) {
    return { outcome: (error as Error).message, ...facts }
  }
}

test('a conversation with STARTTLS through a proxy, cut into any pieces', async (t) => {
  for (const crumbs of [false, true]) {
    const { outcome, asked, heard } = await attempt(t, { crumbs })
    assert.deepEqual([outcome, asked], ['TLSv1.3', ['192.0.2.7:25']])
    assert.deepEqual(heard, ['EHLO c.example', 'STARTTLS', '+ EHLO c.example', '+ QUIT'])
  }
  const six = await attempt(t, {}, { host: 'proxy.example' }, '2001:db8::7')
  assert.deepEqual([six.outcome, six.asked], ['TLSv1.3', ['20010db8000000000000000000000007:25']])
})

test('a proxy that looks names up is given names', async (t) => {
  const named = await attempt(t, {}, {}, 'mail.bücher.example')
  assert.deepEqual([named.outcome, named.asked], ['TLSv1.3', ['mail.xn--bcher-kva.example:25']])
  assert.match((await attempt(t, {}, {}, `${'a'.repeat(300)}.example`)).outcome, /too long/)
})

test('a proxy that wants a password', async (t) => {
  const user = { name: 'us', password: 'sesame' }
  assert.equal((await attempt(t, { user }, { username: 'us', password: 'sesame' })).outcome, 'TLSv1.3')
  const wrong = await attempt(t, { user }, { username: 'us', password: 'no' })
  assert.deepEqual([wrong.outcome, wrong.asked], ['the proxy does not take this password', []])
  assert.match((await attempt(t, { user })).outcome, /sign in in a way/)
})

test('a proxy that cannot connect: its error, and no conversation with it as if it were the host', async (t) => {
  const refused = await attempt(t, { reply: 5 })
  assert.deepEqual([refused.outcome, refused.heard], ['the proxy cannot connect: connection refused', []])
  assert.equal((await attempt(t, {}, { host: 'nowhere.example' })).outcome, 'the proxy nowhere.example has no address')
})

test('a proxy that closes or is silent is given up', async (t) => {
  for (const silent of [true, false]) {
    const server = createServer((socket) => void (silent ? socket.on('error', () => {}) : socket.end()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const network = throughProxy({ network: realNetwork, resolver, clock: realClock }, { host: '127.0.0.1', port })
    const tried = network.connect({ address: '192.0.2.7', port: 25, timeoutMs: 200 })
    await assert.rejects(tried, silent ? /more than 200 ms/ : /hung up|ECONNRESET/)
  }
})
