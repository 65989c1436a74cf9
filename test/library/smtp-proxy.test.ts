/** Sending through a SOCKS5 proxy, on real sockets: what it is asked, what it refuses, and that the conversation is with the server behind it. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  connectSmtp,
  isTemporary,
  sendMail,
  SmtpConnectionFault,
  SmtpPool,
  SmtpServer,
  type SmtpConnectOptions,
} from '../../src/library/smtp/index.ts'
import { hostAddresses } from '../../src/platform/real/host-addresses.ts'
import { makeAuthority } from '../stories/client-certificates.ts'
import { socksServer, type SocksServer, type SocksServerOptions } from '../support/socks-server.ts'

const authority = await makeAuthority('known')
const pair = await authority.sign({ names: ['mail.internal'], usage: '1.3.6.1.5.5.7.3.1' as never })
const draft = { from: 'a@x.example', to: 'b@y.example', subject: 'Hi', text: 'Through the wall' }

interface World {
  readonly socks: SocksServer
  readonly got: string[]
  /** To an address that nobody here could reach otherwise. */
  readonly options: SmtpConnectOptions
}

/** A server that takes mail of one user, and a proxy that leads there whatever it is asked. */
async function world(t: TestContext, said: SocksServerOptions = {}, implicit = false): Promise<World> {
  const got: string[] = []
  const server = new SmtpServer<string>({
    tls: pair,
    service: implicit ? 'submissions' : 'submission',
    onPassword: ({ username, password }) => (username === 'anne' && password === 'correct horse' ? 'Anne' : null),
    async onMessage(message, { user }) {
      got.push(`${user}: ${Buffer.from(await message.bytes()).toString()}`)
    },
  })
  const { port } = await server.listen(0)
  const socks = await socksServer({ to: port, ...said })
  t.after(async () => {
    await socks.close()
    await server.close({ graceMs: 0 })
  })
  const options: SmtpConnectOptions = {
    host: '192.0.2.7',
    port: 2465,
    tls: implicit ? 'implicit' : 'starttls',
    serverName: 'mail.internal',
    ca: authority.cert,
    auth: { username: 'anne', password: 'correct horse' },
    proxy: { host: 'localhost', port: socks.port },
    connectTimeoutMs: 2000,
  }
  return { socks, got, options }
}

test('STARTTLS and implicit TLS with the server behind the proxy, its certificate checked; however the pieces come', async (t) => {
  for (const implicit of [false, true])
    for (const crumbs of [false, true]) {
      const { socks, got, options } = await world(t, { crumbs }, implicit)
      const report = await sendMail(options, draft)
      assert.deepEqual(
        report.accepted.map(({ address }) => address),
        ['b@y.example'],
      )
      assert.deepEqual(socks.asked, ['192.0.2.7:2465'])
      assert.match(got[0]!, /^Anne: [^]*Through the wall/)
    }
})

test('another name than the certificate’s is a fault, through a proxy too', async (t) => {
  const { got, options } = await world(t)
  await assert.rejects(sendMail({ ...options, serverName: 'other.internal' }, draft), /certificate/)
  assert.deepEqual(got, [])
})

test('a pool sends many by one way through the proxy', async (t) => {
  const { socks, got, options } = await world(t)
  const pool = new SmtpPool({ ...options, connectionsMax: 1 })
  await Promise.all([1, 2, 3, 4].map((n) => pool.send({ ...draft, subject: `Number ${n}` })))
  await pool.close()
  assert.deepEqual([got.length, socks.asked.length], [4, 1])
})

test('a server by its name: looked up by the proxy, where it is to', async (t) => {
  const { socks, got, options } = await world(t)
  const proxy = { ...options.proxy!, resolvesNames: true }
  await sendMail({ ...options, host: 'mail.internal', proxy }, draft)
  assert.deepEqual([socks.asked, got.length], [['mail.internal:2465'], 1])
})

test('a server by its name: looked up here, its addresses asked for in turn', async (t) => {
  const { socks, options } = await world(t)
  const client = await connectSmtp({ ...options, host: 'localhost' })
  await client.quit()
  assert.match(socks.asked[0]!, /^(?:127\.0\.0\.1|0{31}1):2465$/)
  await assert.rejects(connectSmtp({ ...options, host: 'nobody.invalid' }), SmtpConnectionFault)
  const refusing = await world(t, { reply: 4 })
  await assert.rejects(connectSmtp({ ...refusing.options, host: 'localhost' }), /host unreachable/)
  assert.equal(refusing.socks.asked.length, (await hostAddresses('localhost')).length)
})

test('RFC 1929: the proxy’s own password; none and a wrong one are told apart, and the server hears nothing', async (t) => {
  const { socks, got, options } = await world(t, { user: { name: 'us', password: 'sesame' } })
  const through = (username?: string, password?: string): SmtpConnectOptions => ({
    ...options,
    proxy: { ...options.proxy!, username, password },
  })
  for (const [given, words] of [
    [through('us', 'no'), /^SmtpConnectionFault: the proxy does not take this password$/],
    [through(), /^SmtpConnectionFault: the proxy wants us to sign in in a way that we do not know$/],
    [through('us', 'x'.repeat(256)), /^SmtpConnectionFault: the name or password for the proxy is too long$/],
  ] as const)
    await assert.rejects(sendMail(given, draft), words)
  assert.deepEqual([socks.asked, got], [[], []])
  await sendMail(through('us', 'sesame'), draft)
  assert.equal(got.length, 1)
})

test('RFC 1928 §6: each refusal has its words, and may be another answer later', async (t) => {
  const words = [
    [1, 'general failure'],
    [2, 'not allowed'],
    [3, 'network unreachable'],
    [4, 'host unreachable'],
    [5, 'connection refused'],
    [6, 'time to live expired'],
    [7, 'command not supported'],
    [8, 'address type not supported'],
    [9, 'reply 9'],
  ] as const
  for (const [reply, expected] of words) {
    const { got, options } = await world(t, { reply })
    const fault: unknown = await sendMail(options, draft).catch((error: unknown) => error)
    assert.ok(fault instanceof SmtpConnectionFault)
    assert.equal(fault.message, `the proxy cannot connect: ${expected}`)
    assert.equal(isTemporary(fault), true)
    assert.deepEqual(got, [])
  }
})

test('no proxy there: its fault, and never a way around it', async (t) => {
  const { socks, got, options } = await world(t)
  await socks.close()
  await assert.rejects(sendMail({ ...options, host: '127.0.0.1' }, draft), SmtpConnectionFault)
  assert.deepEqual(got, [])
})

test('without a port it is 465 for TLS from the start, and 587 else (RFC 8314 §3.3, RFC 6409 §3.1)', async (t) => {
  for (const [mode, port] of [
    ['implicit', 465],
    ['starttls', 587],
    [undefined, 587],
  ] as const) {
    const { socks, options } = await world(t, {}, mode === 'implicit')
    await sendMail({ ...options, port: undefined, tls: mode }, draft)
    assert.deepEqual(socks.asked, [`192.0.2.7:${port}`])
  }
  // And the port says how, where nothing else does.
  const { got, options } = await world(t, {}, true)
  await sendMail({ ...options, port: 465, tls: undefined }, draft)
  assert.equal(got.length, 1)
})
