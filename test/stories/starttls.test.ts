/** STARTTLS on real sockets: what was said in clear behind it never counts. RFC 3207 §5, RFC 3501 §6.2.1; "NO STARTTLS" injection. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { after, before, test } from 'node:test'
import type { Service } from '../../src/config/config.ts'
import { startReal, type RealSystem } from './real.ts'

let real: RealSystem
before(async () => {
  real = await startReal({ users: ['alice@a.example'] })
})
after(() => real.stop())

/** Reads lines until one fits. */
class Reader {
  readonly socket: Socket
  heard = ''

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => (this.heard += String(chunk)))
    socket.on('error', () => {})
  }

  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.heard)) await once(this.socket, 'data')
    const heard = this.heard
    this.heard = ''
    return heard
  }
}

async function open(service: Service): Promise<Reader> {
  const reader = new Reader(connectTcp(real.port(service), '127.0.0.1'))
  await reader.until(/\r\n/)
  return reader
}

async function secure(reader: Reader): Promise<Reader> {
  reader.socket.removeAllListeners('data')
  const socket = connectTls({ socket: reader.socket, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  return new Reader(socket)
}

for (const service of ['smtp', 'submission', 'lmtp'] as const) {
  test(`${service}: commands behind STARTTLS in the same packet are dropped`, async () => {
    const hello = service === 'lmtp' ? 'LHLO' : 'EHLO'
    const plain = await open(service)
    plain.socket.write(`${hello} a\r\n`)
    await plain.until(/^250 /m)
    plain.socket.write(`STARTTLS\r\n${hello} evil\r\nMAIL FROM:<evil@x.example>\r\nNOOP\r\n`)
    assert.match(await plain.until(/\r\n/), /^220 2\.0\.0 [^\r\n]*\r\n$/)
    const tls = await secure(plain)
    tls.socket.write('RSET\r\nMAIL FROM:<good@x.example>\r\n')
    const heard = await tls.until(/^503 [^\r]*\r\n$/m)
    assert.match(heard, /^250 2\.0\.0 [^\r]*\r\n503 5\.5\.1 Say [EL]HLO first\r\n$/)
    tls.socket.write(`${hello} good\r\nQUIT\r\n`)
    const rest = await tls.until(/^221 /m)
    assert.match(rest, /greets good/)
    assert.doesNotMatch(rest, /evil|STARTTLS/)
  })
}

test('imap: commands behind STARTTLS in the same packet are dropped', async () => {
  const plain = await open('imap')
  plain.socket.write('a1 STARTTLS\r\na2 NOOP\r\na3 LOGIN evil evil\r\n')
  assert.match(await plain.until(/^a1 [^\r]*\r\n/m), /^a1 OK [^\r\n]*\r\n$/)
  const tls = await secure(plain)
  tls.socket.write('b1 CAPABILITY\r\n')
  const heard = await tls.until(/^b1 /m)
  assert.doesNotMatch(heard, /^a\d/m)
  assert.doesNotMatch(heard, /STARTTLS|LOGINDISABLED/)
  tls.socket.write('b2 LOGOUT\r\n')
  await tls.until(/^b2 OK/m)
})

test('pop3: commands behind STLS in the same packet are dropped', async () => {
  const plain = await open('pop3')
  plain.socket.write('USER evil\r\nSTLS\r\nCAPA\r\nPASS evil\r\n')
  assert.match(await plain.until(/^\+OK Begin TLS\r\n/m), /\+OK Begin TLS\r\n$/)
  const tls = await secure(plain)
  tls.socket.write('PASS evil\r\n')
  assert.equal(await tls.until(/\r\n/), '-ERR Say USER first\r\n')
  tls.socket.write('QUIT\r\n')
  await tls.until(/^\+OK/m)
})

for (const [service, command] of [
  ['smtp', 'EHLO a\r\nSTARTTLS\r\n'],
  ['imap', 'a STARTTLS\r\n'],
] as const) {
  test(`${service}: garbage instead of a handshake ends the connection, the server goes on`, async () => {
    const plain = await open(service)
    plain.socket.write(command)
    await plain.until(/^220 |^a OK/m)
    const closed = once(plain.socket, 'close')
    plain.socket.write('NOOP in clear, which is no handshake\r\n')
    await closed
    const next = await open(service)
    next.socket.destroy()
  })
}

test('no password crosses in clear', async () => {
  const imap = await open('imap')
  imap.socket.write('a LOGIN alice@a.example "correct horse"\r\nb AUTHENTICATE PLAIN\r\n')
  assert.match(await imap.until(/^b [^\r]*\r\n/m), /^a NO \[PRIVACYREQUIRED\][^\r]*\r\nb NO \[PRIVACYREQUIRED\]/)
  imap.socket.destroy()
  const submission = await open('submission')
  submission.socket.write('EHLO a\r\nAUTH PLAIN AGEAYg==\r\n')
  const heard = await submission.until(/^538 /m)
  assert.doesNotMatch(heard, /^250.AUTH/m)
  submission.socket.destroy()
})
