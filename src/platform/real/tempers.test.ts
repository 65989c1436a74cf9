/** Our clients on real sockets, and servers that hang, drip, babble or cut: each ends within its own limit, whatever comes. The others stand in test/stories/tempers.test.ts. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { realHttpClient } from './http-client.ts'
import { openLdap } from './ldap.ts'
import { realNetwork } from './network.ts'

const timeoutMs = 300

/** What a server does once it was spoken to. */
const tempers: Record<string, (socket: Socket, every: (run: () => void) => void) => void> = {
  hangs() {},
  drips: (socket, every) => every(() => socket.write('H')),
  babbles: (socket, every) => every(() => socket.write('z'.repeat(20_000))),
  'promises much': (socket, every) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n')
    every(() => socket.write('x'))
  },
  'promises much of LDAP': (socket, every) => {
    // A message of 2 GB begins.
    socket.write(Buffer.from('30847fffffff', 'hex'))
    every(() => socket.write('x'))
  },
  cuts: (socket) => socket.destroy(),
}

const clients: Record<string, (port: number) => Promise<unknown>> = {
  'HTTP client': (port) =>
    realHttpClient.ask({ method: 'GET', url: `http://127.0.0.1:${port}/`, timeoutMs, bytesMax: 10_000 } as never),
  'LDAP search': (port) => {
    const place = {
      startTls: false,
      ca: undefined,
      bindDn: '',
      bindPassword: '',
      connectTimeoutMs: timeoutMs,
      timeoutMs,
    }
    const server = openLdap({ ...place, urls: [`ldap://127.0.0.1:${port}`] })
    const question = { base: 'dc=x', scope: 'sub', filter: '(uid=a)', attributes: ['uid'], entriesMax: 2 } as const
    return server.search(question).finally(() => server.close())
  },
  'LDAP STARTTLS': (port) => {
    const place = {
      startTls: true,
      ca: undefined,
      bindDn: '',
      bindPassword: '',
      connectTimeoutMs: timeoutMs,
      timeoutMs,
    }
    const server = openLdap({ ...place, urls: [`ldap://127.0.0.1:${port}`] })
    return server.bind('uid=a', 'secret').finally(() => server.close())
  },
}

for (const [client, ask] of Object.entries(clients)) {
  for (const [name, temper] of Object.entries(tempers)) {
    test(`${client}: a server that ${name} is left`, async (t) => {
      const closed: Promise<void>[] = []
      const timers: NodeJS.Timeout[] = []
      const server = createServer((socket) => {
        socket.on('error', () => {})
        closed.push(new Promise((resolve) => void socket.once('close', () => resolve())))
        socket.once('data', () => temper(socket, (run) => void timers.push(setInterval(run, 5))))
        socket.resume()
      })
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
      t.after(() => {
        for (const timer of timers) clearInterval(timer)
        server.close()
      })
      await assert.rejects(ask((server.address() as AddressInfo).port))
      // And the connection goes with the question.
      await Promise.all(closed)
    })
  }
}

test('a listener behind a proxy leaves one that drips its PROXY header', async (t) => {
  const failures: string[] = []
  let failed!: () => void
  const told = new Promise<void>((resolve) => (failed = resolve))
  const listener = await realNetwork.listen(
    { address: '127.0.0.1', port: 0, proxied: () => true },
    () => assert.fail('it has no header'),
    (_, error) => {
      failures.push(error.message)
      failed()
    },
  )
  t.after(() => listener.close())
  const connection = await realNetwork.connect({ address: '127.0.0.1', port: listener.port, timeoutMs: 5000 })
  const timer = setInterval(() => void connection.write(Buffer.from('P')), 100)
  t.after(() => clearInterval(timer))
  await told
  assert.equal(failures.length, 1)
})
