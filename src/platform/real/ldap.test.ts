import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { makeAuthority } from '../../../test/stories/client-certificates.ts'
import { openLdap, startTlsAnswer } from './ldap.ts'

const success = Buffer.from('300c02010178070a010004000400', 'hex')

test('the answer to STARTTLS: whole, for us, and the last in clear', () => {
  assert.equal(startTlsAnswer(success), 'yes')
  for (let end = 0; end < success.length; end++)
    assert.equal(startTlsAnswer(success.subarray(0, end)), 'more', `${end}`)
  // As Active Directory writes lengths.
  assert.equal(startTlsAnswer(Buffer.from('3084000000100201017884000000070a010004000400', 'hex')), 'yes')
  // With the beginning of an answer to the first bind behind it, to be taken for the server's.
  assert.equal(startTlsAnswer(Buffer.concat([success, Buffer.from('300c0201', 'hex')])), 'no')
  assert.equal(startTlsAnswer(Buffer.from('300c02010178070a013404000400', 'hex')), 'no')
  assert.equal(startTlsAnswer(Buffer.from('300c02010278070a010004000400', 'hex')), 'no')
  assert.equal(startTlsAnswer(Buffer.from('300c02010161070a010004000400', 'hex')), 'no')
  assert.equal(startTlsAnswer(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')), 'no')
  assert.equal(startTlsAnswer(Buffer.from('30ffffffff', 'hex')), 'no')
  for (let seed = 0; seed < 2000; seed++) {
    const bytes = Buffer.from(Array.from({ length: seed % 24 }, (_, i) => (seed * (i + 7) * 31) & 0xff))
    assert.ok(['yes', 'no', 'more'].includes(startTlsAnswer(bytes)))
  }
})

/** Answers each message in the given way, and records all. */
async function fakeServer(answer: (message: Buffer, socket: Socket, connection: number) => void) {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const connection = ++connections
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (message: Buffer) => answer(message, socket, connection))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { url, close, connections: () => connections }
}

const place = { startTls: false, ca: undefined, bindDn: '', bindPassword: '', connectTimeoutMs: 500, timeoutMs: 500 }
const bindAnswer = (message: Buffer, code: number): Buffer =>
  Buffer.from([0x30, 0x0c, 0x02, 0x01, message[4]!, 0x61, 0x07, 0x0a, 0x01, code, 0x04, 0x00, 0x04, 0x00])

test('what stands behind the answer to STARTTLS ends the connection: nothing is bound', async () => {
  const heard: string[] = []
  const server = await fakeServer((message, socket) => {
    heard.push(message.toString('hex'))
    socket.write(Buffer.concat([success, bindAnswer(Buffer.from([0, 0, 0, 0, 2]), 0)]))
  })
  const ldap = openLdap({ ...place, urls: [server.url], startTls: true })
  try {
    await assert.rejects(ldap.bind('cn=x', 'secret'), /does not do STARTTLS/)
    assert.equal(heard.length, 1)
    assert.ok(!heard[0]!.includes(Buffer.from('secret').toString('hex')))
  } finally {
    ldap.close()
    server.close()
  }
})

test('a password that does not count is no; a server that cannot tell is a fault', async () => {
  let code = 0
  const server = await fakeServer((message, socket) => socket.write(bindAnswer(message, code)))
  const ldap = openLdap({ ...place, urls: ['ldap://127.0.0.1:1', server.url] })
  try {
    assert.equal(await ldap.bind('cn=x', 'p'), true)
    for (code of [49, 48, 53, 32]) assert.equal(await ldap.bind('cn=x', 'p'), false, `${code}`)
    for (code of [51, 52, 80, 8, 13]) await assert.rejects(ldap.bind('cn=x', 'p'), `${code}`)
    assert.equal(server.connections(), 1, 'one connection serves them in turn')
    await assert.rejects(ldap.bind('cn=x', ''), /proves nothing/)
  } finally {
    ldap.close()
    server.close()
  }
})

test('a connection that was lost meanwhile is made anew, once; one that is lost at once is a fault', async () => {
  let breaks = false
  const server = await fakeServer((message, socket, connection) => {
    if (breaks || (connection === 1 && message[4]! > 2)) socket.destroy()
    else socket.write(bindAnswer(message, 0))
  })
  const ldap = openLdap({ ...place, urls: [server.url] })
  try {
    assert.equal(await ldap.bind('cn=x', 'p'), true)
    assert.equal(await ldap.bind('cn=x', 'p'), true)
    assert.equal(server.connections(), 2)
    breaks = true
    await assert.rejects(ldap.bind('cn=x', 'p'))
    assert.equal(server.connections(), 3)
  } finally {
    ldap.close()
    server.close()
  }
})

test('after no server could be reached, the next question fails at once, without a new connection', async () => {
  let heard = 0
  const server = await fakeServer((_, socket) => {
    heard++
    socket.destroy()
  })
  const ldap = openLdap({ ...place, urls: [server.url], startTls: true })
  try {
    for (let n = 0; n < 50; n++) await assert.rejects(ldap.bind('cn=x', 'p'), /127\.0\.0\.1/)
    assert.ok(heard < 50, 'each of them has asked')
  } finally {
    ldap.close()
    server.close()
  }
})

test('a server that says nothing is given up in time', async () => {
  const server = await fakeServer(() => {})
  const ldap = openLdap({ ...place, urls: [server.url], timeoutMs: 100 })
  try {
    const question = { base: 'dc=a', scope: 'sub', filter: '(a=b)', attributes: [], entriesMax: 1 } as const
    await assert.rejects(ldap.search(question), /timed out/)
    await assert.rejects(ldap.bind('cn=x', 'p'), /timed out/)
  } finally {
    ldap.close()
    server.close()
  }
})

test('ldaps: a password is said when the server is proved, and a server that is not, or never ends the handshake, hears nothing', async () => {
  const authority = await makeAuthority('people')
  const { cert, key } = await authority.sign({ names: ['localhost'], usage: '1.3.6.1.5.5.7.3.1' as never })
  const heard: string[] = []
  const server = createTlsServer({ cert, key }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (message: Buffer) => {
      heard.push(message.toString('hex'))
      socket.write(bindAnswer(message, 0))
    })
  })
  const silent = await fakeServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const bind = async (url: string, ca: string | undefined): Promise<unknown> => {
    const ldap = openLdap({ ...place, urls: [url], ca })
    return ldap.bind('cn=x', 'secret').finally(() => ldap.close())
  }
  try {
    const named = `ldaps://localhost:${port}`
    await assert.rejects(bind(named, undefined), /unable to verify|self.signed|issuer certificate/)
    await assert.rejects(bind(`ldaps://127.0.0.1:${port}`, authority.cert), /does not match/)
    await assert.rejects(bind(silent.url.replace('ldap:', 'ldaps:'), authority.cert), /no connection in time/)
    assert.deepEqual(heard, [])
    assert.equal(await bind(named, authority.cert), true)
    assert.ok(heard.join().includes(Buffer.from('secret').toString('hex')))
  } finally {
    server.close()
    silent.close()
  }
})

test('an answer without end ends the connection, and many small ones over time do not', async () => {
  let told = 0
  const server = await fakeServer((message, socket) => {
    // A bind of the next question's kind; a search is answered with one entry that says it is 100 MB long.
    if (message[5] === 0x60) return void socket.write(bindAnswer(message, 0))
    const head = Buffer.from([
      0x30,
      0x84,
      0x06,
      0x40,
      0x00,
      0x00,
      0x02,
      0x01,
      message[4]!,
      0x64,
      0x84,
      0x06,
      0x3f,
      0xff,
      0xf0,
    ])
    socket.write(head)
    const more = (): void => {
      if (socket.destroyed || told > 200 * 1024 * 1024) return
      told += 65_536
      socket.write(Buffer.alloc(65_536), () => setImmediate(more))
    }
    more()
  })
  const ldap = openLdap({ ...place, timeoutMs: 60_000, urls: [server.url], bindDn: 'cn=us', bindPassword: 'x' })
  try {
    const question = { base: 'dc=x', scope: 'sub', filter: '(a=b)', attributes: ['a'], entriesMax: 10 } as const
    await assert.rejects(ldap.search(question), /Socket error[^]*larger than 8388608 bytes/)
    assert.ok(told > 4 * 1024 * 1024, `${told} bytes`)
    // Each of many questions has its own share: binds of a few bytes never end it.
    for (let i = 0; i < 50; i++) assert.equal(await ldap.bind('cn=x', 'secret'), true)
  } finally {
    ldap.close()
    server.close()
  }
})
