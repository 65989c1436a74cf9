import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { after, before, test } from 'node:test'
import type { Connection, Listener } from '../../base/network.ts'
import { realNetwork } from './network.ts'
import { makeSelfSigned } from './self-signed.ts'
import { RealTls, type CertificatePair } from './tls.ts'

let first: CertificatePair
let second: CertificatePair
let tls: RealTls
let listener: Listener
const failures: string[] = []
const connections: Connection[] = []

before(async () => {
  first = await makeSelfSigned(['mail.a.example', '*.wild.example'], Date.now())
  second = await makeSelfSigned(['mail.b.example'], Date.now())
  tls = new RealTls([first, second])
  listener = await realNetwork.listen(
    { address: '127.0.0.1', port: 0, tls },
    (connection) => {
      connections.push(connection)
      connection.receive({
        data: (chunk) => void connection.write(chunk),
        drain() {},
        end: () => connection.end(),
        close() {},
      })
    },
    (_, error) => void failures.push(error.message),
  )
})
after(() => listener.close())

async function shake(options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: listener.port, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  return String((await once(socket, 'data'))[0])
}

/** The names of the certificate that the server shows. */
async function shown(servername?: string): Promise<string> {
  const socket = await shake({ servername })
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname!
}

test('the SNI name chooses the certificate, wildcards too; without one it is the first', async () => {
  assert.match(await shown('mail.a.example'), /mail\.a\.example/)
  assert.match(await shown('mail.b.example'), /mail\.b\.example/)
  assert.match(await shown('MAIL.B.example'), /mail\.b\.example/)
  assert.match(await shown('x.wild.example'), /mail\.a\.example/)
  assert.match(await shown('who.is.example'), /mail\.a\.example/)
  assert.match(await shown(), /mail\.a\.example/)
})

test('what the handshake agreed is told: 1.3, 1.2, the name', async () => {
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    const socket = await shake({ servername: 'mail.b.example', minVersion: version, maxVersion: version })
    assert.equal(await echo(socket, 'x'), 'x')
    const facts = connections.at(-1)!.tls!
    assert.equal(facts.version, version)
    assert.equal(facts.serverName, 'mail.b.example')
    assert.equal(facts.resumed, false)
    socket.destroy()
  }
})

test('nothing older than 1.2', async () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await assert.rejects(shake({ servername: 'mail.a.example', ...old }))
  assert.ok(failures.length > 0)
})

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  test(`a session is resumed with ${version}, after a reload too`, async () => {
    const options = { servername: 'mail.a.example', minVersion: version, maxVersion: version }
    const socket = connect({ host: '127.0.0.1', port: listener.port, rejectUnauthorized: false, ...options })
    const session = once(socket, 'session')
    assert.equal(await echo(socket, 'x'), 'x')
    const [ticket] = (await session) as [Buffer]
    socket.destroy()
    tls.load([first, second])
    const again = await shake({ ...options, session: ticket })
    assert.ok(again.isSessionReused())
    assert.equal(await echo(again, 'y'), 'y')
    assert.equal(connections.at(-1)!.tls!.resumed, true)
    again.destroy()
  })
}

test('a reload changes new handshakes and leaves connections alone; a bad one changes nothing', async () => {
  const socket = await shake({ servername: 'mail.a.example' })
  const renewed = await makeSelfSigned(['mail.a.example', 'renewed.example'], Date.now())
  tls.load([renewed])
  assert.equal(await echo(socket, 'still here'), 'still here')
  assert.match(await shown('mail.a.example'), /renewed/)
  assert.throws(() => tls.load([{ certificate: 'none', key: 'none' }]))
  assert.throws(() => tls.load([]))
  assert.throws(() => tls.load([{ certificate: first.certificate, key: second.key }]))
  assert.match(await shown('mail.a.example'), /renewed/)
  assert.deepEqual(tls.names, ['mail.a.example', 'renewed.example'])
  tls.load([first, second])
  socket.destroy()
})

test('what cannot be used is named by its files, and said in words', () => {
  const from = '/etc/a.crt with the key /etc/a.key'
  const words = (pair: Partial<CertificatePair>): string => {
    try {
      return String(new RealTls([first, { ...first, ...pair, from }]))
    } catch (error) {
      return (error as Error).message
    }
  }
  assert.equal(words({ key: second.key }), `${from} cannot be used: the key belongs to another certificate`)
  for (const pair of [{ key: 'garbage' }, { certificate: 'garbage' }, { certificate: first.key }, { key: '' }])
    assert.match(words(pair), new RegExp(`^${from} cannot be used: one of them is no PEM`))
})

test('garbage, silence and half a hello end their own connection only, at once', { timeout: 5000 }, async () => {
  const before = failures.length
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x02', '\x16\x03\x01\xff\xff\x01\x02\x03', '']) {
    const socket = connectTcp(listener.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'connect')
    if (bytes !== '') socket.write(Buffer.from(bytes, 'latin1'))
    socket.end()
    await once(socket, 'close')
  }
  // At least: a client of an earlier test may have left before the server was done with it.
  while (failures.length < before + 4) await new Promise((resolve) => setImmediate(resolve))
  assert.match(await shown('mail.a.example'), /mail\.a\.example/)
})

function attempt(serverName: string, verify: 'name' | 'none', ca?: readonly string[]): Promise<Connection> {
  return realNetwork.connect({
    address: '127.0.0.1',
    port: listener.port,
    timeoutMs: 5000,
    tls: { serverName, verify, ca },
  })
}

test('a client that demands a name gets it or nothing', async () => {
  const good = await attempt('mail.a.example', 'name', [first.certificate])
  assert.equal(good.tls!.verified, true)
  good.destroy()
  await assert.rejects(attempt('mail.a.example', 'name'), /does not fit/)
  await assert.rejects(attempt('other.example', 'name', [first.certificate]), /does not fit/)
  // RFC 9525 §6.3: a name is not an address.
  await assert.rejects(attempt('127.0.0.1', 'name', [first.certificate]), /does not fit/)
  const any = await attempt('other.example', 'none')
  assert.equal(any.tls!.verified, false)
  assert.ok(any.tls!.problem)
  any.destroy()
})

test('a session outlives a reload, but not the authority that vouched for its client', async () => {
  const own = new RealTls([first], second.certificate)
  const bound = await realNetwork.listen({ address: '127.0.0.1', port: 0, tls: own.forUsers }, (connection) => {
    connection.receive({ data() {}, drain() {}, end: () => connection.end(), close() {} })
    // The ticket comes with the first bytes.
    connection.write(Buffer.from('hello'))
  })
  const meet = async (session?: Buffer): Promise<{ socket: TLSSocket; resumed: boolean }> => {
    const socket = connect({ host: '127.0.0.1', port: bound.port, rejectUnauthorized: false, session })
    await once(socket, 'secureConnect')
    return { socket, resumed: socket.isSessionReused() }
  }
  const before = await meet()
  before.socket.resume()
  const [ticket] = (await once(before.socket, 'session')) as [Buffer]
  before.socket.destroy()
  for (const [authority, resumed] of [
    [second.certificate, true],
    [first.certificate, false],
  ] as const) {
    own.load([first], authority)
    const again = await meet(ticket)
    assert.equal(again.resumed, resumed)
    again.socket.destroy()
  }
  await bound.close()
})
