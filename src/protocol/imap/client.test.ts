import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import type { Connection, ConnectionHandler, Peer } from '../../base/network.ts'
import { Wheel } from '../../base/wheel.ts'
import { drive } from '../drive.ts'
import { ImapClient, ImapCommandError } from './client.ts'
import { MemoryBackend } from './memory/backend.ts'
import { passwordMechanisms } from '../sasl/mechanisms.ts'
import { ImapSession } from './session.ts'

const clock: Clock = {
  now: () => 0,
  monotonic: () => performance.now(),
  after: () => ({ cancel() {} }),
  soon: (run) => void setImmediate(run),
}

/** Two ends of a stream in memory. */
class End implements Connection {
  readonly peer: Peer = { address: '127.0.0.1', port: 1, localAddress: '127.0.0.1', localPort: 143 }
  readonly tls = null
  other!: End
  handler: ConnectionHandler | undefined
  #held: Uint8Array[] | undefined

  receive(handler: ConnectionHandler): void {
    this.handler = handler
  }
  write(bytes: Uint8Array): boolean {
    const copy = Uint8Array.from(bytes)
    setImmediate(() => this.other.#arrive(copy))
    return true
  }
  #arrive(bytes: Uint8Array): void {
    if (this.#held) this.#held.push(bytes)
    else this.handler?.data(bytes)
  }
  pause(): void {
    this.#held ??= []
  }
  resume(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const bytes of held) this.#arrive(bytes)
  }
  end(): void {
    setImmediate(() => {
      this.other.handler?.end()
      this.handler?.close()
      this.other.handler?.close()
      this.handler = this.other.handler = undefined
    })
  }
  destroy(): void {
    this.end()
  }
  startTlsServer(): Promise<never> {
    return Promise.reject(new Error('no TLS in memory'))
  }
  startTlsClient(): Promise<never> {
    return Promise.reject(new Error('no TLS in memory'))
  }
}

function connect(backend: MemoryBackend): ImapClient {
  const [a, b] = [new End(), new End()]
  a.other = b
  b.other = a
  const options = { clock, wheel: new Wheel(clock), log: silentLog }
  const client = new ImapClient()
  drive(a, client, options)
  const server = new ImapSession({
    backend,
    authenticator: backend,
    mechanisms: passwordMechanisms,
    startTls: false,
    plaintextAuth: true,
    serverName: 'Test',
  })
  drive(b, server, options)
  return client
}

function someone(): MemoryBackend {
  const backend = new MemoryBackend()
  backend.addUser('a@example.org', 'gehe\u0131m')
  return backend
}

test('client and server talk to each other through two drivers', async () => {
  const backend = someone()
  const client = connect(backend)
  assert.equal((await client.greeting).status, 'OK')
  await assert.rejects(client.login('a@example.org', 'wrong'), ImapCommandError)
  await client.login('a@example.org', 'gehe\u0131m')
  const message = Buffer.from('Subject: x\r\n\r\nhello\r\n')
  assert.equal(await client.append('INBOX', message, { flags: ['\\Flagged'] }), 1)
  assert.equal((await client.select('INBOX')).exists, 1)
  const [fetched] = await client.fetch('1', '(FLAGS BODY[])')
  assert.deepEqual(fetched!.items.get('FLAGS'), ['\\Flagged', '\\Seen', '\\Recent'])
  assert.deepEqual(Buffer.from(fetched!.items.get('BODY[]') as Uint8Array), message)
  await client.logout()
})

test('an idle client hears of arrivals', async () => {
  const backend = someone()
  const [reader, writer] = [connect(backend), connect(backend)]
  await reader.login('a@example.org', 'gehe\u0131m')
  await writer.login('a@example.org', 'gehe\u0131m')
  await reader.select('INBOX')
  const heard = new Promise<number>((resolve) => {
    reader.onData = ({ name, number }) => name === 'EXISTS' && resolve(number!)
  })
  const done = await reader.idle()
  await writer.append('INBOX', Buffer.from('a: b\r\n\r\n'))
  assert.equal(await heard, 1)
  await done()
  assert.deepEqual(
    (await reader.fetch('1:*', 'UID')).map(({ sequence }) => sequence),
    [1],
  )
})

test('a message of megabytes comes out as it went in', async () => {
  const client = connect(someone())
  await client.login('a@example.org', 'gehe\u0131m')
  const message = Buffer.alloc(5_000_000, 'Subject: long\r\n\r\n0123456789abcdef')
  await client.append('Sent', message)
  await client.select('Sent')
  const [whole] = await client.fetch('1', 'BODY.PEEK[]')
  assert.ok(message.equals(whole!.items.get('BODY[]') as Uint8Array))
  const [part] = await client.fetch('1', 'BODY.PEEK[]<4000000.70000>')
  assert.ok(message.subarray(4_000_000, 4_070_000).equals(part!.items.get('BODY[]<4000000>') as Uint8Array))
})

test('commands that wait when the connection closes are refused', async () => {
  const client = connect(someone())
  await client.greeting
  const waiting = client.command('NOOP')
  client.closed()
  await assert.rejects(waiting, /closed/)
  await assert.rejects(client.command('NOOP'), /closed/)
})

test('what a greeting, or a sign-in, says of capabilities is not asked for again', () => {
  const said = (greeting: string): string => {
    const client = new ImapClient()
    client.start({ peer: new End().peer, tls: null, wake() {} })
    client.receive(Buffer.from(`${greeting}\r\n`))
    assert.equal(client.next().kind, 'wait')
    void client.authenticate('anne', 'secret', { plaintext: true }).catch(() => {})
    let words = ''
    for (let action = client.next(); action.kind !== 'wait'; action = client.next()) {
      assert.ok(action.kind === 'write')
      words += Buffer.from(action.bytes).toString()
    }
    client.closed()
    return words
  }
  assert.match(
    said('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] Ready'),
    /^A1 AUTHENTICATE PLAIN AGFubmUAc2VjcmV0\r\n$/,
  )
  assert.equal(said('* OK Ready'), 'A1 CAPABILITY\r\n')
})
