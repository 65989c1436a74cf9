/** Connections that HAProxy passes on: whose they are stands in a PROXY header, before anything else. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { Service } from '../../src/config/config.ts'
import { dialogue } from './dialogue.ts'
import { startReal, type RealSystem } from './real.ts'
import { messagesIn } from './world.ts'

const user = 'alice@example.org'
const line = 'PROXY TCP4 203.0.113.7 192.0.2.25 40000 25\r\n'
const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** The same, in version 2. */
const binary = Buffer.concat([
  signature,
  Buffer.from([0x21, 0x11, 0, 12, 203, 0, 113, 7, 192, 0, 2, 25, 0x9c, 0x40, 0, 25]),
])
const local = Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])])

async function behindProxy(run: (real: RealSystem) => Promise<void>): Promise<void> {
  const real = await startReal({
    users: [user],
    services: ['http', 'https'],
    proxyFrom: [parseIpNetwork('127.0.0.0/8')!],
  })
  try {
    await run(real)
  } finally {
    await real.stop()
  }
}

async function open(real: RealSystem, service: Service): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: real.port(service) })
  await once(socket, 'connect')
  return socket
}

/** What is heard until the other end closes. */
async function hear(socket: Socket): Promise<string> {
  let heard = ''
  socket.on('error', () => {})
  for await (const chunk of socket as AsyncIterable<Buffer>) heard += chunk.toString('latin1')
  return heard
}

const message = ['From: x@far.example', 'Subject: proxied', '', 'Hello', '.', ''].join('\r\n')
const send: readonly (readonly [string, RegExp])[] = [
  ['', /220 /],
  ['EHLO far.example\r\n', /\n250 [^\n]*\n/],
  ['MAIL FROM:<x@far.example>\r\n', /250 /],
  [`RCPT TO:<${user}>\r\n`, /250 /],
  ['DATA\r\n', /354 /],
  [message, /250 /],
  ['QUIT\r\n', /221 /],
]

test('version 1 and 2 name the client; LOCAL is the proxy itself', async () => {
  await behindProxy(async (real) => {
    for (const [header, expected] of [
      [line, '203.0.113.7'],
      [binary, '203.0.113.7'],
      [local, '127.0.0.1'],
      ['PROXY UNKNOWN\r\n', '127.0.0.1'],
    ] as const) {
      const socket = await open(real, 'smtp')
      socket.write(header)
      await dialogue(socket, send)
      const last = (await messagesIn(real.system, user)).at(-1)!
      assert.match(last, new RegExp(`Received: from far\\.example \\([^)]*\\[${expected.replaceAll('.', '\\.')}\\]\\)`))
    }
  })
})

test('a header may come byte by byte, or with what stands behind it', async () => {
  await behindProxy(async (real) => {
    const slow = await open(real, 'smtp')
    slow.setNoDelay(true)
    for (const byte of binary) {
      slow.write(Uint8Array.of(byte))
      await new Promise((resolve) => void setImmediate(resolve))
    }
    await dialogue(slow, [
      ['', /220 /],
      ['QUIT\r\n', /221 /],
    ])
    const fast = await open(real, 'pop3')
    fast.write(`${line}CAPA\r\nQUIT\r\n`)
    assert.match(await hear(fast), /^\+OK [^]*\r\n\+OK[^]*\r\n\.\r\n\+OK/)
  })
})

test('behind it a handshake, in the same packet', async () => {
  await behindProxy(async (real) => {
    for (const [service, greeting] of [
      ['submissions', /220 /],
      ['imaps', /\* OK/],
    ] as const) {
      const raw = await open(real, service)
      raw.cork()
      raw.write(line)
      const socket = connectTls({ socket: raw, rejectUnauthorized: false })
      setImmediate(() => raw.uncork())
      await dialogue(socket, [['', greeting]])
      socket.destroy()
    }
  })
})

test('http and https: what is for this machine alone is not for who comes by a proxy', async () => {
  await behindProxy(async (real) => {
    const ask = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
    for (const [header, status] of [
      [line, 403],
      [binary, 403],
      [local, 200],
      ['PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n', 200],
    ] as const) {
      const plain = await open(real, 'http')
      plain.write(Buffer.concat([Buffer.from(header), Buffer.from(ask)]))
      assert.match(await hear(plain), new RegExp(`^HTTP/1\\.1 ${status} `))
      const raw = await open(real, 'https')
      raw.cork()
      raw.write(header)
      const socket = connectTls({ socket: raw, rejectUnauthorized: false })
      setImmediate(() => raw.uncork())
      socket.write(ask)
      assert.match(await hear(socket), new RegExp(`^HTTP/1\\.1 ${status} `))
    }
  })
})

test('without a header, or with a wrong one, nothing is said', async () => {
  await behindProxy(async (real) => {
    for (const service of ['smtp', 'submissions', 'imap', 'pop3s', 'http', 'https'] as const) {
      for (const start of ['EHLO far.example\r\n', 'PROXY TCP4 1.2.3 192.0.2.25 1 2\r\n', 'GET / HTTP/1.1\r\n\r\n']) {
        const socket = await open(real, service)
        socket.write(start)
        assert.equal(await hear(socket), '', `${service} ${start}`)
      }
    }
    // Who hangs up in the middle leaves nothing behind.
    const socket = await open(real, 'smtp')
    socket.end('PROXY ')
    assert.equal(await hear(socket), '')
  })
})

test('where no proxy is named, a header is a command like any other', async () => {
  const real = await startReal({ users: [user], proxyFrom: [parseIpNetwork('192.0.2.0/24')!] })
  try {
    const socket = await open(real, 'smtp')
    await dialogue(socket, [
      ['', /220 /],
      [line, /500 5\.5\.1 /],
      ['QUIT\r\n', /221 /],
    ])
  } finally {
    await real.stop()
  }
})
