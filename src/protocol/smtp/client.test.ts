import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { Wheel } from '../../base/wheel.ts'
import type { MessageBytes } from '../../mail/content.ts'
import { SimulatedClock } from '../../platform/simulated/clock.ts'
import { SimulatedInternet } from '../../platform/simulated/network.ts'
import { seededRandom } from '../../platform/simulated/random.ts'
import { SmtpChunkingFault, SmtpNeedFault, SmtpReplyFault } from './client-faults.ts'
import { SmtpClientSession, SmtpConnectionFault } from './client-session.ts'
import { SmtpClient } from './client.ts'
import type { OutgoingEnvelope } from './outgoing.ts'

const address = '192.0.2.25'

/** A server that says yes unless `answer` says otherwise, and notes what it hears; of bodies only their length. */
class Peer {
  readonly heard: string[] = []
  readonly bodies: Buffer[] = []
  readonly clock = new SimulatedClock(0)
  readonly #internet = new SimulatedInternet(this.clock, seededRandom(1))
  readonly #keywords: readonly string[]
  readonly #answer: (line: string) => string | undefined

  constructor(keywords: readonly string[], answer: (line: string) => string | undefined = () => undefined) {
    this.#keywords = keywords
    this.#answer = answer
  }

  async client(lmtp = false): Promise<SmtpClient> {
    await this.#internet.at(address).listen({ address, port: 25 }, (connection) => {
      let held = Buffer.alloc(0)
      let counted = -1
      let last = false
      let body = Buffer.alloc(0)
      let inData = false
      const say = (text: string): void => void connection.write(Buffer.from(`${text}\r\n`))
      const finish = (line: string): void => {
        this.bodies.push(body)
        body = Buffer.alloc(0)
        for (const reply of (this.#answer(line) ?? '250 2.0.0 taken').split('|')) say(reply)
      }
      const line = (text: string): void => {
        this.heard.push(text)
        const said = text.startsWith('BDAT') ? undefined : this.#answer(text)
        if (/^(EHLO|LHLO)/.test(text))
          say(['250-peer', ...this.#keywords.map((keyword) => `250-${keyword}`), '250 X'].join('\r\n'))
        else if (text === 'DATA') {
          inData = said === undefined
          say(said ?? '354 go')
        } else if (text.startsWith('BDAT')) {
          counted = Number(text.split(' ')[1])
          last = text.endsWith('LAST')
          body = last || body.length > 0 ? body : Buffer.alloc(0)
        } else say(said ?? '250 2.0.0 ok')
      }
      say('220 peer')
      connection.receive({
        data: (chunk) => {
          held = Buffer.concat([held, chunk])
          for (;;) {
            if (counted >= 0) {
              if (held.length < counted) return
              const octets = held.subarray(0, counted)
              held = held.subarray(counted)
              body = Buffer.concat([body, octets])
              const text = `BDAT ${counted}${last ? ' LAST' : ''}`
              counted = -1
              if (last) finish(text)
              else say(this.#answer(text) ?? '250 2.0.0 piece')
              continue
            }
            const end = inData ? held.indexOf('\r\n.\r\n') : held.indexOf('\r\n')
            if (end < 0 && !(inData && held.subarray(0, 3).equals(Buffer.from('.\r\n')))) return
            if (inData) {
              body = Buffer.from(held.subarray(0, Math.max(end, 0)))
              held = held.subarray(end < 0 ? 3 : end + 5)
              inData = false
              finish('.')
              continue
            }
            const text = held.subarray(0, end).toString()
            held = held.subarray(end + 2)
            line(text)
          }
        },
        drain() {},
        end: () => connection.end(),
        close() {},
      })
    })
    const { clock } = this
    const wheel = new Wheel(clock)
    const network = this.#internet.at('198.51.100.1')
    const options = { network, clock, wheel, log: silentLog, address, port: 25, hostname: 'us', connectTimeoutMs: 1000 }
    return clock.until(SmtpClient.connect({ ...options, lmtp }))
  }
}

function bytesOf(text: string | Buffer): MessageBytes {
  const bytes = Buffer.from(text)
  return { sizeBytes: bytes.length, read: (start, end) => bytes.subarray(start, end) }
}

const plain: OutgoingEnvelope = {
  reversePath: 'a@x.example',
  recipients: ['b@y.example'],
  body: '7bit',
  smtpUtf8: false,
}
const three = { ...plain, recipients: ['b@y.example', 'c@y.example', 'd@z.example'] }

test('a small message goes as one counted piece, after the replies to its envelope', async () => {
  const peer = new Peer(['PIPELINING', 'CHUNKING', 'SIZE 1000'])
  const client = await peer.client()
  const { recipients } = await peer.clock.until(client.send(plain, bytesOf('Subject: x\r\n\r\n.\r\nno end')))
  assert.deepEqual(
    recipients.map(({ code }) => code),
    [250],
  )
  assert.deepEqual(peer.heard.slice(1), ['MAIL FROM:<a@x.example> SIZE=23', 'RCPT TO:<b@y.example>', 'BDAT 23 LAST'])
  assert.equal(String(peer.bodies[0]), 'Subject: x\r\n\r\n.\r\nno end')
})

test('mechanisms in the old spelling are found, and one that is offered and not known is not the last', async () => {
  for (const keywords of [['AUTH=PLAIN LOGIN'], ['AUTH PLAIN', 'AUTH=LOGIN']]) {
    const words = (line: string): string | undefined =>
      line.startsWith('AUTH PLAIN')
        ? '504 5.5.4 not that one'
        : line.startsWith('AUTH LOGIN')
          ? '334 VXNlcm5hbWU6'
          : /^[A-Za-z0-9=]+$/.test(line) && line !== 'DATA'
            ? line === 'c2VjcmV0'
              ? '235 2.7.0 welcome'
              : '334 UGFzc3dvcmQ6'
            : undefined
    const peer = new Peer(keywords, words)
    const client = await peer.client()
    await peer.clock.until(client.authenticate('ann', 'secret', { plaintext: true }))
    assert.deepEqual(
      peer.heard.slice(1).map((line) => line.slice(0, 10)),
      ['AUTH PLAIN', 'AUTH LOGIN', 'YW5u', 'c2VjcmV0'],
    )
  }
  const none = new Peer(['AUTH PLAIN LOGIN'], (line) => (line.startsWith('AUTH') ? '504 5.5.4 no' : undefined))
  const client = await none.client()
  await assert.rejects(none.clock.until(client.authenticate('ann', 'secret', { plaintext: true })), /504 5\.5\.4/)
})

test('neither a password nor a token is said in clear unless the caller allows it', async () => {
  for (const sign of [
    (client: SmtpClient) => client.authenticate('ann', 'secret'),
    (client: SmtpClient) => client.authenticateToken('ann', 'secret'),
  ]) {
    const peer = new Peer(['AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER'])
    const client = await peer.client()
    await assert.rejects(peer.clock.until(sign(client)), /no way to sign in|takes no tokens, or not without TLS/)
    assert.deepEqual(peer.heard.slice(1), [])
  }
})

/** Takes so many recipients a transaction, and then says so. */
function full(most: number, words: string): (line: string) => string | undefined {
  let taken = 0
  return (line) => {
    if (line.startsWith('MAIL')) taken = 0
    return line.startsWith('RCPT') && ++taken > most ? words : undefined
  }
}

test('recipients beyond what the server takes at a time go in transactions of their own (RFC 5321 §4.5.3.1.10)', async () => {
  for (const words of ['452 4.5.3 too many recipients', '552 5.5.3 too many recipients', '452 later', '552 too many'])
    for (const keywords of [['PIPELINING', 'CHUNKING'], []]) {
      const peer = new Peer(keywords, full(2, words))
      const client = await peer.client()
      const recipients = ['b', 'c', 'd', 'e', 'f'].map((name) => `${name}@y.example`)
      const sent = await peer.clock.until(client.send({ ...plain, recipients }, bytesOf('x\r\n')))
      assert.deepEqual(
        sent.recipients.map(({ code }) => code),
        [250, 250, 250, 250, 250],
        words,
      )
      assert.equal(peer.bodies.length, 3)
    }
})

test('what is full for other reasons is not asked twice, and 552 for too many is for now', async () => {
  const outcome = async (answers: (line: string) => string | undefined): Promise<[number[], number]> => {
    const peer = new Peer([], answers)
    const { recipients } = await peer.clock.until((await peer.client()).send(three, bytesOf('x\r\n')))
    return [recipients.map(({ code }) => code), peer.heard.filter((line) => line.startsWith('MAIL')).length]
  }
  assert.deepEqual(await outcome(full(1, '552 5.2.2 mailbox full')), [[250, 552, 552], 1])
  // A server cannot ask for the message again and again: the rest waits.
  const crowd = { ...plain, recipients: Array.from({ length: 40 }, (_, n) => `r${n}@y.example`) }
  const one = new Peer([], full(1, '452 4.5.3 one at a time'))
  const sent = await one.clock.until((await one.client()).send(crowd, bytesOf('x\r\n')))
  assert.equal(one.bodies.length, 21)
  assert.deepEqual(new Set(sent.recipients.slice(21).map(({ code }) => code)), new Set([452]))
  assert.deepEqual(await outcome(full(1, '452 4.3.1 no room')), [[250, 452, 452], 1])
  assert.deepEqual(await outcome(full(0, '552 5.5.3 too many recipients')), [[452, 452, 452], 1])
  assert.deepEqual(await outcome(full(0, '552 no')), [[552, 552, 552], 1])
  // One transaction, and no more: the others wait.
  let mails = 0
  const once = full(1, '552 too many')
  const rest = (line: string): string | undefined =>
    line.startsWith('MAIL') && ++mails > 1 ? '550 enough' : once(line)
  assert.deepEqual(await outcome(rest), [[250, 452, 452], 2])
  let takes = 1
  const never = (line: string): string | undefined =>
    line.startsWith('RCPT') && --takes < 0 ? '552 too many' : undefined
  assert.deepEqual(await outcome(never), [[250, 452, 452], 2])
})

test('a large one goes in pieces of a megabyte, whose replies are not waited for', async () => {
  const large = Buffer.alloc(2 * 1024 * 1024 + 5, 'x')
  const peer = new Peer(['PIPELINING', 'CHUNKING'])
  const client = await peer.client()
  await peer.clock.until(client.send(plain, bytesOf(large)))
  assert.deepEqual(peer.heard.slice(3), ['BDAT 1048576', 'BDAT 1048576', 'BDAT 5 LAST'])
  assert.ok(peer.bodies[0]!.equals(large))
})

for (const keywords of [['CHUNKING'], ['CHUNKING', 'PIPELINING']])
  test(`a piece that is refused ends the message: ${keywords.join(', ')}`, async () => {
    const large = Buffer.alloc(9 * 1024 * 1024, 'x')
    let pieces = 0
    const peer = new Peer(keywords, (line) => {
      if (line === 'RSET') pieces = -100
      if (!line.startsWith('BDAT')) return undefined
      return ++pieces <= 1 ? undefined : pieces === 2 ? '552 5.3.4 too large' : '503 5.5.1 order'
    })
    const client = await peer.client()
    const { recipients } = await peer.clock.until(client.send(three, bytesOf(large)))
    assert.deepEqual(
      recipients.map(({ code }) => code),
      [552, 552, 552],
    )
    assert.equal(peer.heard.at(-1), 'RSET')
    const sent = peer.heard.filter((line) => line.startsWith('BDAT')).length
    if (keywords.length === 1) assert.equal(sent, 2)
    else assert.ok(sent <= 9)
    // And the connection is as good as before.
    assert.equal((await peer.clock.until(client.send({ ...plain }, bytesOf('x')))).recipients[0]!.code, 250)
  })

test('the refusal of a piece is the answer, though it comes when all the rest has gone: not the 503 for what follows', async () => {
  for (const [refused, words] of [
    [1, '452 4.3.1 no room now'],
    [2, '552 5.3.4 too large'],
  ] as const) {
    let pieces = 0
    const peer = new Peer(['CHUNKING', 'PIPELINING'], (line) => {
      if (line === 'RSET') pieces = -100
      if (!line.startsWith('BDAT')) return undefined
      pieces++
      return pieces < refused ? undefined : pieces === refused ? words : '503 5.5.1 no transaction'
    })
    const client = await peer.client()
    // Two whole pieces and a short one, which is under way before the second is answered.
    const { recipients } = await peer.clock.until(client.send(three, bytesOf(Buffer.alloc(2 * 1024 * 1024 + 5, 'x'))))
    assert.deepEqual(
      recipients.map(({ code }) => code),
      recipients.map(() => Number(words.slice(0, 3))),
    )
    assert.equal(peer.heard.at(-1), 'RSET')
    assert.equal(peer.heard.includes('BDAT 5 LAST'), refused === 2)
    assert.equal((await peer.clock.until(client.send(plain, bytesOf('x')))).recipients[0]!.code, 250)
  }
})

test('BDAT that was offered and is no command: nothing more is said there, and the caller is told', async () => {
  for (const code of [500, 502, 503])
    for (const size of [1, 9 * 1024 * 1024]) {
      const peer = new Peer(['CHUNKING'], (line) => (line.startsWith('BDAT') ? `${code} 5.5.1 what` : undefined))
      const client = await peer.client()
      await assert.rejects(
        peer.clock.until(client.send(plain, bytesOf(Buffer.alloc(size, 'x')))),
        (error) => error instanceof SmtpChunkingFault && error.reply.code === code,
      )
      assert.match(peer.heard.at(-1)!, /^BDAT/)
    }
})

test('LMTP: a reply for each recipient that was taken, behind the last piece', async () => {
  const peer = new Peer(['PIPELINING', 'CHUNKING'], (line) => {
    if (line.startsWith('RCPT TO:<c@')) return '550 5.1.1 no'
    return line.startsWith('BDAT') ? '250 2.0.0 one|452 4.2.2 two' : undefined
  })
  const client = await peer.client(true)
  const { recipients } = await peer.clock.until(client.send(three, bytesOf('x')))
  assert.deepEqual(
    recipients.map(({ code }) => code),
    [250, 550, 452],
  )
})

test('no recipient is left: no octet is sent', async () => {
  const peer = new Peer(['PIPELINING', 'CHUNKING'], (line) => (line.startsWith('RCPT') ? '550 5.1.1 no' : undefined))
  const client = await peer.client()
  await peer.clock.until(client.send(plain, bytesOf('x')))
  assert.equal(peer.heard.at(-1), 'RSET')
  const refused = new Peer(['PIPELINING', 'CHUNKING'], (line) => (line.startsWith('MAIL') ? '550 5.7.1 no' : undefined))
  await assert.rejects(refused.clock.until((await refused.client()).send(plain, bytesOf('x'))), SmtpReplyFault)
  assert.deepEqual(refused.bodies, [])
})

test('all recipients refused, and DATA was pipelined: a 354 gets an empty message, another reply RSET. RFC 2920 §3.1', async () => {
  for (const [toData, last] of [
    [undefined, 'DATA'],
    ['554 5.5.1 no valid recipients', 'RSET'],
  ] as const) {
    let refuses = true
    const peer = new Peer(['PIPELINING'], (line) => {
      if (refuses && line.startsWith('RCPT')) return '550 5.1.1 no'
      if (refuses && line === 'DATA') return toData
      return refuses && line === '.' ? '554 5.5.1 nobody to have it' : undefined
    })
    const client = await peer.client()
    const { recipients } = await peer.clock.until(client.send(plain, bytesOf('x')))
    assert.equal(recipients[0]!.code, 550)
    assert.equal(peer.heard.at(-1), last)
    assert.deepEqual(peer.bodies.map(String), toData === undefined ? [''] : [])
    // The connection can be used again.
    refuses = false
    assert.equal((await peer.clock.until(client.send(plain, bytesOf('y')))).recipients[0]!.code, 250)
    assert.equal(String(peer.bodies.at(-1)), 'y')
  }
})

test('a server without CHUNKING gets DATA', async () => {
  const peer = new Peer(['PIPELINING'])
  const client = await peer.client()
  await peer.clock.until(client.send(plain, bytesOf('a\r\n.b\r\n')))
  assert.deepEqual(peer.heard.slice(1), ['MAIL FROM:<a@x.example>', 'RCPT TO:<b@y.example>', 'DATA'])
  assert.equal(String(peer.bodies[0]), 'a\r\n..b')
})

test('what the server lacks is told by name, and nothing is said to it', async () => {
  const soon = { atMs: 60_000, mode: 'return', trace: false } as const
  const rows: [Partial<OutgoingEnvelope>, readonly string[], string | undefined][] = [
    [{ body: '8bitmime' }, [], 'needs8bit'],
    [{ body: '8bitmime' }, ['8BITMIME'], undefined],
    [{ body: 'binarymime' }, ['BINARYMIME', '8BITMIME'], 'needs8bit'],
    [{ body: 'binarymime' }, ['BINARYMIME', 'CHUNKING'], undefined],
    [{ smtpUtf8: true }, ['8BITMIME'], 'smtpUtf8'],
    [{ requireTls: true }, ['REQUIRETLS'], 'requireTls'],
    [{ deliverBy: soon }, [], 'deliverBy'],
    [{ deliverBy: soon }, ['DELIVERBY'], undefined],
    [{ deliverBy: soon }, ['DELIVERBY 240'], 'deliverBy'],
    [{ deliverBy: { ...soon, mode: 'notify' } }, [], undefined],
  ]
  for (const [more, keywords, need] of rows) {
    const peer = new Peer(keywords)
    const client = await peer.client()
    const envelope = { ...plain, ...more }
    assert.equal(client.lacks(envelope), need, JSON.stringify(more))
    if (need === undefined) continue
    await assert.rejects(client.send(envelope, bytesOf('x')), (error) => {
      assert.ok(error instanceof SmtpNeedFault)
      return error.need === need
    })
    assert.equal(peer.heard.length, 1)
  }
})

test('MAIL says what the message asks for, as far as the server takes it', async () => {
  const peer = new Peer(['CHUNKING', 'BINARYMIME', 'DELIVERBY', 'MT-PRIORITY MIXER', 'DSN'])
  const client = await peer.client()
  const deliverBy = { atMs: peer.clock.now() + 120_500, mode: 'return', trace: true } as const
  const envelope = { ...plain, body: 'binarymime', deliverBy, priority: -3, envelopeId: 'x+y' } as const
  await peer.clock.until(client.send(envelope, bytesOf('a\nb')))
  assert.equal(peer.heard[1], 'MAIL FROM:<a@x.example> BODY=BINARYMIME ENVID=x+2By BY=120;RT MT-PRIORITY=-3')
})

test('more recipients than the server takes at a time go in several transactions. RFC 9422', async () => {
  const envelopes = async (limits: string): Promise<string[]> => {
    const peer = new Peer(['PIPELINING', `LIMITS ${limits}`])
    const client = await peer.client()
    const { recipients } = await peer.clock.until(client.send(three, bytesOf('x')))
    const codes = recipients.map(({ code }) => code).join(' ')
    return [
      codes,
      peer.heard.flatMap((line) => /^(?:(MAIL)|RCPT TO:<(.))/.exec(line)?.slice(1).join('') ?? []).join(' '),
    ]
  }
  assert.deepEqual(await envelopes('RCPTMAX=2'), ['250 250 250', 'MAIL b c MAIL d'])
  assert.deepEqual(await envelopes('rcptdomainmax=1 OTHER=x'), ['250 250 250', 'MAIL b c MAIL d'])
  assert.deepEqual(await envelopes('RCPTMAX=1 MAILMAX=2'), ['250 250 421', 'MAIL b MAIL c'])
  assert.deepEqual(await envelopes('RCPTMAX=0 MAILMAX=x'), ['250 250 250', 'MAIL b c d'])
})

test('beyond MAILMAX a connection is of no use', async () => {
  const peer = new Peer(['LIMITS MAILMAX=1'])
  const client = await peer.client()
  assert.equal(client.mailsLeft, 1)
  await peer.clock.until(client.send(plain, bytesOf('x')))
  await assert.rejects(client.send(plain, bytesOf('x')), SmtpConnectionFault)
})

test('who hangs up in the middle of a handshake has broken the handshake', async () => {
  const session = new SmtpClientSession()
  session.start({ wake() {} } as never)
  const secured = session.startTls({ serverName: 'mx.b.example', verify: 'none' })
  session.closed()
  await assert.rejects(secured, /^SmtpConnectionFault: the TLS handshake failed: the connection is gone$/)
  await assert.rejects(session.command('NOOP'), /handshake/)
})

test('a server that says goodbye in the middle of a group is quoted', async () => {
  const session = new SmtpClientSession()
  session.start({ peer: { address, port: 25, localAddress: '', localPort: 0 }, tls: null, wake() {} })
  const replies = session.commands(['MAIL FROM:<a@x.example>', 'RCPT TO:<b@y.example>', 'DATA'])
  session.receive(Buffer.from('250 2.1.0 ok\r\n421 4.3.2 too many of you\r\n'))
  session.closed()
  await assert.rejects(replies, /421 4\.3\.2 too many of you/)
})
