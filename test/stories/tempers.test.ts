/** Clients and what their servers may be like: every wait of ours has an end of its own, in time and in bytes, in virtual time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../../src/base/network.ts'
import { silentLog } from '../../src/base/log.ts'
import { drive } from '../../src/protocol/drive.ts'
import { ImapClient } from '../../src/protocol/imap/client.ts'
import { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { throughProxy } from '../../src/transport/smtp/socks.ts'
import { bytesOfText, password, World } from './world.ts'

const second = 1000
const minute = 60 * second
const server = '10.9.9.9'
const client = '10.9.9.1'

/** What a server does from a certain moment on. It is given how to say bytes, and how to be called again later. */
interface Temper {
  begin(
    say: (words: string | Uint8Array) => void,
    later: (delayMs: number, run: () => void) => void,
    connection: Connection,
  ): void
}

const again =
  (delayMs: number, words: string | Uint8Array): Temper['begin'] =>
  (say, later) => {
    const once = (): void => {
      say(words)
      later(delayMs, once)
    }
    once()
  }

const tempers: Record<string, Temper> = {
  hangs: { begin() {} },
  'drips bytes': { begin: again(20 * second, '2') },
  'drips lines': { begin: again(20 * second, '250-x\r\n* OK x\r\n') },
  'babbles without a line end': { begin: again(10, 'z'.repeat(10_000)) },
  'babbles lines': { begin: again(10, '250-more\r\n* OK more\r\n'.repeat(400)) },
  'babbles zeros': { begin: again(10, new Uint8Array(10_000)) },
  'cuts off': { begin: (say, _, connection) => (say('25'), connection.destroy()) },
  'hangs up': { begin: (say, _, connection) => (say('25'), connection.end()) },
}

/** A client, the words after which its server shows its temper, and the longest that it may wait. */
interface Kind {
  readonly name: string
  /** Pairs: what the client says (a beginning), what it is answered. '' is the greeting. */
  readonly script: readonly (readonly [string, string | Uint8Array])[]
  readonly waitMs: number
  run(world: World): Promise<unknown>
}

const smtp = (world: World, lmtp: boolean): Promise<SmtpClient> =>
  SmtpClient.connect({
    network: world.internet.at(client),
    clock: world.clock,
    wheel: world.wheel,
    log: silentLog,
    address: server,
    port: 25,
    hostname: 'client.example',
    connectTimeoutMs: 30 * second,
    lmtp,
  })

const smtpScript = (hello: string): Kind['script'] => [
  ['', '220 here\r\n'],
  [hello, '250 here\r\n'],
  ['MAIL', '250 fine\r\n'],
  ['RCPT', '250 fine\r\n'],
  ['DATA', '354 go\r\n'],
  ['Subject', ''],
]

async function sendBySmtp(world: World, lmtp: boolean): Promise<void> {
  const one = await smtp(world, lmtp)
  const envelope = {
    reversePath: 'a@client.example',
    recipients: ['b@far.example'],
    body: '7bit',
    smtpUtf8: false,
  } as const
  await one.send(envelope, bytesOfText('Subject: x\n\nx\n'))
}

async function readByImap(world: World): Promise<void> {
  const one = new ImapClient({ timeoutMs: 5 * minute, answerBytesMax: 4 * 1024 * 1024 })
  const connection = await world.internet.at(client).connect({ address: server, port: 25, timeoutMs: 30 * second })
  drive(connection, one, { clock: world.clock, wheel: world.wheel, log: silentLog })
  await one.greeting
  await one.login('alice', 'secret')
  await one.select('INBOX')
  await one.logout()
}

const kinds: readonly Kind[] = [
  { name: 'SMTP', script: smtpScript('EHLO'), waitMs: 11 * minute, run: (world) => sendBySmtp(world, false) },
  { name: 'LMTP', script: smtpScript('LHLO'), waitMs: 11 * minute, run: (world) => sendBySmtp(world, true) },
  {
    name: 'IMAP',
    script: [
      ['', '* OK here\r\n'],
      ['A1', 'A1 OK in\r\n'],
      ['A2', 'A2 OK selected\r\n'],
    ],
    waitMs: 6 * minute,
    run: readByImap,
  },
  {
    name: 'SOCKS',
    script: [
      ['\x05\x01', Uint8Array.of(5, 0)],
      ['\x05\x01\x00', Uint8Array.of(5, 0, 0, 3)],
    ],
    waitMs: minute,
    run: (world) =>
      throughProxy({ network: world.internet.at(client), resolver: undefined as never, clock: world.clock }, {
        host: server,
        port: 25,
      } as never).connect({ address: '10.8.8.8', port: 25, timeoutMs: 30 * second }),
  },
]

/** Ten seconds of babble are more than any client has to hear. */
const saidBytesMax = 16 * 1024 * 1024

for (const kind of kinds) {
  for (const [name, temper] of Object.entries(tempers)) {
    test(`${kind.name}: a server that ${name}, at any point, is left in time`, async () => {
      for (let point = 0; point < kind.script.length; point++) {
        const world = new World()
        const { clock } = world
        let said = 0
        let closed = false
        await world.internet.at(server).listen({ address: server, port: 25 }, (connection) => {
          const say = (words: string | Uint8Array): void => {
            said += words.length
            connection.write(typeof words === 'string' ? Buffer.from(words, 'latin1') : words)
          }
          const later = (delayMs: number, run: () => void): void => void clock.after(delayMs, () => closed || run())
          let at = 0
          const turn = (heard: string): void => {
            const [wanted, words] = kind.script[at]!
            if (!heard.startsWith(wanted)) return
            if (at >= point) return temper.begin(say, later, connection)
            at++
            say(words)
          }
          connection.receive({
            data: (bytes) => !closed && at < kind.script.length && turn(Buffer.from(bytes).toString('latin1')),
            drain() {},
            end() {},
            close: () => void (closed = true),
          })
          if (kind.script[0]![0] === '') turn('')
        })
        const sinceMs = clock.monotonic()
        await assert.rejects(clock.until(kind.run(world)), Error, `${name} at ${point}`)
        const tookMs = clock.monotonic() - sinceMs
        assert.ok(tookMs <= kind.waitMs, `${name} at ${point}: it took ${tookMs} ms`)
        assert.ok(said <= saidBytesMax, `${name} at ${point}: ${said} bytes were heard`)
        // And the connection goes with it.
        await clock.pass(minute)
        assert.ok(closed, `${name} at ${point}: the connection stays`)
      }
    })
  }
}

test('an empty line in a reply is passed over', async () => {
  const world = new World()
  await world.internet.at(server).listen({ address: server, port: 25 }, (connection) => {
    connection.receive({
      data: () => void connection.write(Buffer.from('250-here\r\n\r\n250-SIZE 7\r\n250 HELP\r\n')),
      drain() {},
      end() {},
      close() {},
    })
    connection.write(Buffer.from('\r\n220 here\r\n'))
  })
  const one = await world.clock.until(smtp(world, false))
  assert.deepEqual(
    [...one.extensions],
    [
      ['SIZE', '7'],
      ['HELP', ''],
    ],
  )
  one.destroy()
})

test('a client that drips a command to us has the idle time for all of it; one that is quiet between commands has it for each', async () => {
  for (const [port, words] of [
    [25, /421/],
    [143, /\* BYE/],
  ] as const) {
    const world = new World()
    const { clock } = world
    await world.start({ hostname: 'mx.a.example', address: '10.0.0.1', domains: ['a.example'] })
    const line = await clock.until(
      world.internet.at('198.51.100.7').connect({ address: '10.0.0.1', port, timeoutMs: 30_000 }),
    )
    let heard = ''
    let closedMs = 0
    line.receive({
      data: (chunk) => void (heard += Buffer.from(chunk).toString('latin1')),
      drain() {},
      end() {},
      close: () => void (closedMs ||= clock.monotonic()),
    })
    await clock.pass(minute)
    line.write(Buffer.from(port === 25 ? 'EHLO x\r\n' : 'a NOOP\r\n'))
    await clock.pass(2 * minute)
    line.write(Buffer.from(port === 25 ? 'NOOP\r\n' : 'b NOOP\r\n'))
    await clock.pass(2 * minute)
    assert.equal(closedMs, 0)
    const sinceMs = clock.monotonic()
    for (let i = 0; i < 100 && closedMs === 0; i++) {
      // A literal in the middle is a part of its command.
      line.write(Buffer.from(port === 143 && i === 4 ? ' LOGIN {9}\r\n' : 'x'))
      await clock.pass(20 * second)
    }
    assert.ok(closedMs > sinceMs && closedMs - sinceMs <= 6 * minute, `${port}: ${closedMs - sinceMs} ms`)
    assert.match(heard, words)
    await world.stop()
  }
})

/** What a client has said when the body of its message begins. */
const toTheBody: Readonly<Record<number, readonly (readonly [say: string, until: RegExp])[]>> = {
  25: [
    ['EHLO x\r\n', /^250 [^]*\n$/m],
    ['MAIL FROM:<>\r\n', /250 2.1.0/],
    ['RCPT TO:<alice@a.example>\r\n', /250 2.1.5/],
    ['DATA\r\n', /354/],
  ],
  143: [
    [`a LOGIN alice@a.example "${password}"\r\n`, /a OK/],
    ['b APPEND INBOX {5000000}\r\n', /\+ OK/],
  ],
}

for (const port of [25, 143]) {
  test(`the body of a message (port ${port}) may come slowly for hours, and may not drip`, async () => {
    const world = new World()
    const { clock } = world
    await world.start({
      hostname: 'mx.a.example',
      address: '10.0.0.1',
      domains: ['a.example'],
      users: ['alice@a.example'],
    })
    for (const { bytes, lasts } of [
      { bytes: 60_000, lasts: true },
      { bytes: 1000, lasts: false },
    ]) {
      const line = await clock.until(
        world.internet.at('198.51.100.7').connect({ address: '10.0.0.1', port, timeoutMs: 30_000 }),
      )
      let heard = ''
      let closed = false
      let told = (): void => {}
      line.receive({
        data(chunk) {
          heard += Buffer.from(chunk).toString('latin1')
          told()
        },
        drain() {},
        end() {},
        close: () => void (closed = true),
      })
      for (const [say, until] of toTheBody[port]!) {
        const answered = new Promise<void>((resolve) => (told = () => void (until.test(heard) && resolve())))
        line.write(Buffer.from(say))
        // Hashing a password costs real time.
        await clock.outside(answered)
      }
      const piece = Buffer.alloc(bytes, 'y'.repeat(70).concat('\r\n'))
      for (let i = 0; i < 45 && !closed; i++) {
        line.write(piece)
        await clock.pass(minute)
      }
      assert.equal(closed, !lasts, `${bytes} bytes a minute`)
      line.destroy()
    }
    await world.stop()
  })
}

test('before a sign-in no byte gives more time, not even those of a literal that is refused', async () => {
  const world = new World()
  const { clock } = world
  await world.start({ hostname: 'mx.a.example', address: '10.0.0.1', domains: ['a.example'] })
  const line = await clock.until(
    world.internet.at('198.51.100.7').connect({ address: '10.0.0.1', port: 143, timeoutMs: 30_000 }),
  )
  let closed = false
  line.receive({ data() {}, drain() {}, end() {}, close: () => void (closed = true) })
  line.write(Buffer.from('a LOGIN {4000000000+}\r\n'))
  for (let i = 0; i < 45 && !closed; i++) {
    line.write(Buffer.alloc(60_000, 'y'))
    await clock.pass(minute)
  }
  assert.ok(closed)
  await world.stop()
})
