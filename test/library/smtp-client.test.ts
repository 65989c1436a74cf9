/** Sending over real sockets: every form of a message, every answer, one connection or a pool of them. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import {
  connectSmtp,
  isTemporary,
  sendMail,
  SmtpConnectionFault,
  SmtpNeedFault,
  SmtpPool,
  SmtpRecipientsFault,
  SmtpRefusal,
  SmtpReplyFault,
  SmtpServer,
  type DialogueLine,
  type SendReport,
  type SmtpServerSettings,
} from '../../src/library/smtp/index.ts'
import { ComposeFault } from '../../src/mail/compose/fields.ts'
import { composeMessage } from '../../src/mail/compose/message.ts'
import type { MessageBytes } from '../../src/mail/content.ts'
import { headerEnd, parseHeader } from '../../src/mail/header.ts'
import { chooseTokenMechanism } from '../../src/protocol/sasl/client.ts'
import { DkimVerifier } from '../../src/trust/dkim/verify.ts'
import { makeAuthority } from '../stories/client-certificates.ts'
import { smtpServer } from '../support/smtp-server.ts'
import { SmtpTalk } from '../support/smtp-talk.ts'

interface Got {
  readonly from: string
  readonly to: readonly string[]
  readonly body: string
  readonly smtpUtf8: boolean
  readonly text: string
}

/** A program's own: its `read` is a method. */
class OnDisk implements MessageBytes {
  readonly sizeBytes: number
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.sizeBytes = bytes.length
    this.#bytes = bytes
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    return this.#bytes.subarray(start, end)
  }
}

interface Catching {
  readonly port: number
  readonly got: Got[]
  readonly over: { readonly host: string; readonly port: number; readonly tls: 'none' }
}

/** A server that keeps what it gets. */
async function catching(
  settings: Partial<SmtpServerSettings<unknown>>,
  work: (catching: Catching) => Promise<void>,
): Promise<void> {
  const got: Got[] = []
  const server = new SmtpServer({
    async onMessage(message) {
      const { sender, recipients } = message.envelope
      const text = Buffer.from(await message.bytes()).toString()
      const to = recipients.map(({ address }) => address)
      got.push({ from: sender.address, to, body: sender.body, smtpUtf8: sender.smtpUtf8, text })
    },
    ...settings,
  })
  const { port } = await server.listen(0)
  try {
    await work({ port, got, over: { host: '127.0.0.1', port, tls: 'none' } })
  } finally {
    await server.close({ graceMs: 0 })
  }
}

const draft = { from: 'Anne <a@x.example>', to: 'b@y.example', subject: 'Grüße', text: 'Hällo\n.\nEnde' }
const raw = 'From: a@x.example\nSubject: Hi\n\n.dot\nText'
const envelope = { from: 'a@x.example', to: ['b@y.example'] }
const accepted = ({ accepted }: SendReport): string[] => accepted.map(({ address }) => address)

test('a draft is composed and arrives; Bcc is in the envelope alone', async () => {
  await catching({}, async ({ over, got }) => {
    const report = await sendMail(over, { ...draft, cc: 'c@y.example', bcc: ['d@y.example'] })
    assert.deepEqual(accepted(report), ['b@y.example', 'c@y.example', 'd@y.example'])
    assert.deepEqual([report.sender, report.rejected], ['a@x.example', []])
    const [{ text, to }] = got as [Got]
    assert.deepEqual(to, ['b@y.example', 'c@y.example', 'd@y.example'])
    assert.equal(report.sizeBytes, Buffer.byteLength(text))
    assert.ok(text.includes(`Message-ID: <${report.messageId}>`))
    assert.doesNotMatch(text, /d@y\.example|^bcc:/im)
  })
})

test('all forms of a whole message arrive with CRLF line ends', async () => {
  const composed = composeMessage(draft, {
    nowMs: Date.now(),
    hostname: 'x.example',
    unique: () => crypto.randomUUID(),
  })
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (const byte of Buffer.from(raw)) yield Uint8Array.of(byte)
  }
  const big = Buffer.from(`Subject: big\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(40_000)}`)
  await catching({}, async ({ over, got }) => {
    await sendMail(over, composed)
    await sendMail(over, { raw, envelope })
    await sendMail(over, { raw: Buffer.from(raw), envelope })
    await sendMail(over, { raw: stream(), envelope })
    const read = async (start: number, end: number): Promise<Uint8Array> => big.subarray(start, end)
    await sendMail(over, { raw: { sizeBytes: big.length, read }, envelope: { from: '', to: 'b@y.example' } })
    await sendMail(over, { raw: new OnDisk(big), envelope })
    const whole = `${raw.replaceAll('\n', '\r\n')}`
    const texts = got.map(({ text }) => text)
    assert.equal(texts[0], Buffer.from(await composed.bytes()).toString())
    for (const text of texts.slice(1, 4)) assert.equal(text, whole)
    for (const text of texts.slice(4)) assert.equal(text, big.toString())
    assert.deepEqual(new Set(got.map(({ body }) => body)), new Set(['7bit']))
    assert.equal(got[4]!.from, '')
  })
})

test('8 bits and UTF-8 addresses are told; what a server cannot take is converted, or stays', async () => {
  const eightBit = { raw: 'Content-Type: text/plain; charset=utf-8\n\nHällo\n', envelope }
  await catching({}, async ({ over, got }) => {
    await sendMail(over, eightBit)
    await sendMail(over, { raw: 'Subject: Grüße\n\nHallo\n', envelope })
    await sendMail(over, { raw, envelope: { from: 'ä@x.example', to: 'b@bücher.example' } })
    assert.deepEqual(
      got.map(({ body, smtpUtf8, to }) => [body, smtpUtf8, ...to]),
      [
        ['8bitmime', false, 'b@y.example'],
        ['8bitmime', true, 'b@y.example'],
        ['7bit', true, 'b@xn--bcher-kva.example'],
      ],
    )
  })
  // One that knows no extension at all.
  const old = await smtpServer({})
  try {
    const over = { host: '127.0.0.1', port: old.port, tls: 'none' as const }
    await sendMail(over, eightBit)
    assert.ok(old.heard.includes('MAIL FROM:<a@x.example>'))
    const signed = 'Content-Type: multipart/signed; boundary=b\n\n--b\n\nä\n--b\n\nx\n--b--\n'
    for (const [message, need] of [
      [signed, 'needs8bit'],
      ['Subject: Grüße\n\nx\n', 'smtpUtf8'],
    ] as const)
      await assert.rejects(
        sendMail(over, { raw: message, envelope }),
        (error) => error instanceof SmtpNeedFault && error.need === need,
      )
  } finally {
    await old.close()
  }
})

test('wishes reach a server that offers to keep them', async () => {
  const heard: unknown[] = []
  const settings: Partial<SmtpServerSettings<unknown>> = {
    offers: ['DSN', 'MT-PRIORITY', 'DELIVERBY'],
    onMail: ({ ret, envelopeId, priority, deliverBy }) =>
      void heard.push(ret, envelopeId, priority, deliverBy && [deliverBy.mode, deliverBy.trace]),
    onRcpt: ({ notify }) => void heard.push(notify),
  }
  await catching(settings, async ({ over, got }) => {
    await sendMail(over, draft, {
      notify: ['success', 'failure'],
      ret: 'hdrs',
      envelopeId: 'order 17+',
      priority: -2,
      deliverBy: { atMs: Date.now() + 3_600_000, mode: 'notify', trace: true },
      envelope: { from: 'bounces@x.example', to: ['list@y.example'] },
    })
    assert.deepEqual(heard, ['hdrs', 'order 17+', -2, ['notify', true], ['success', 'failure']])
    assert.deepEqual([got[0]!.from, got[0]!.to], ['bounces@x.example', ['list@y.example']])
    await assert.rejects(sendMail(over, draft, { requireTls: true }), SmtpNeedFault)
  })
})

test('some recipients rejected: a report; all of them: a fault; MAIL or the message: the reply', async () => {
  let mail: SmtpRefusal | undefined
  const settings: Partial<SmtpServerSettings<unknown>> = {
    onMail() {
      if (mail) throw mail
    },
    onRcpt({ address }) {
      if (address.startsWith('no')) throw new SmtpRefusal(550, '5.1.1', 'Nobody')
      if (address.startsWith('later')) throw new SmtpRefusal(450, '4.2.1', 'Busy')
    },
  }
  await catching(settings, async ({ over }) => {
    const report = await sendMail(over, { ...draft, to: ['no@y.example', 'b@y.example', 'later@y.example'] })
    assert.deepEqual(accepted(report), ['b@y.example'])
    assert.deepEqual(
      report.rejected.map(({ address, reply }) => [address, reply.code, reply.enhanced, reply.lines]),
      [
        ['no@y.example', 550, '5.1.1', ['Nobody']],
        ['later@y.example', 450, '4.2.1', ['Busy']],
      ],
    )
    const fault = (to: string[]): Promise<unknown> =>
      sendMail(over, { ...draft, to }).then(
        () => {},
        (error) => error,
      )
    const none = await fault(['no@y.example', 'no2@y.example'])
    assert.ok(none instanceof SmtpRecipientsFault)
    assert.equal(none.report.rejected.length, 2)
    assert.equal(isTemporary(none), false)
    assert.equal(isTemporary(await fault(['no@y.example', 'later@y.example'])), true)
    for (const [code, enhanced, temporary] of [
      [451, '4.7.1', true],
      [550, '5.7.1', false],
    ] as const) {
      mail = new SmtpRefusal(code, enhanced, 'You')
      const refused = await fault(['b@y.example'])
      assert.ok(refused instanceof SmtpReplyFault)
      assert.deepEqual([refused.stage, refused.reply.code, isTemporary(refused)], ['MAIL', code, temporary])
    }
  })
})

test('what is no address is told before anybody is spoken to', async () => {
  const over = { host: '127.0.0.1', port: 1, tls: 'none' as const }
  for (const to of ['b@y.example>\r\nRCPT TO:<c@z.example', 'b', '', []])
    await assert.rejects(sendMail(over, { raw, envelope: { from: 'a@x.example', to } }), ComposeFault)
  await assert.rejects(sendMail(over, { from: 'a@x.example', text: 'x' }), ComposeFault)
  await assert.rejects(sendMail(over, draft), (error) => error instanceof SmtpConnectionFault && isTemporary(error))
})

test('certificates are checked: by name, by authority, or by nobody where that is said', async () => {
  const authority = await makeAuthority('ours')
  const tls = await authority.sign({ names: ['mx.example.org'], usage: x509.ExtendedKeyUsage.serverAuth })
  const ca = authority.cert
  await catching({ tls }, async ({ port, got }) => {
    const over = { host: '127.0.0.1', port }
    await sendMail({ ...over, ca, serverName: 'mx.example.org' }, draft)
    await assert.rejects(sendMail({ ...over, ca }, draft), /does not fit/)
    await assert.rejects(sendMail({ ...over, serverName: 'mx.example.org' }, draft), /does not fit/)
    await sendMail({ ...over, verify: false }, draft)
    await sendMail({ ...over, tls: 'opportunistic' }, draft)
    assert.equal(got.length, 3)
  })
  await catching({ tls, implicitTls: true }, async ({ port, got }) => {
    await sendMail({ host: '127.0.0.1', port, tls: 'implicit', ca, serverName: 'mx.example.org' }, draft)
    await assert.rejects(sendMail({ host: '127.0.0.1', port, tls: 'implicit', ca }, draft), SmtpConnectionFault)
    assert.equal(got.length, 1)
  })
  await catching({}, async ({ port, got }) => {
    await assert.rejects(sendMail({ host: '127.0.0.1', port }, draft), /offers no TLS/)
    await sendMail({ host: '127.0.0.1', port, tls: 'opportunistic' }, draft)
    assert.equal(got.length, 1)
  })
  const broken = await smtpServer({ pair: tls, breaksHandshake: true })
  try {
    const over = { host: '127.0.0.1', port: broken.port }
    await sendMail({ ...over, tls: 'opportunistic' }, draft)
    assert.ok(broken.heard.some((line) => line.startsWith('MAIL')))
  } finally {
    await broken.close()
  }
})

test('a password is not said in clear to a machine that is not this one', async () => {
  const settings = { plaintextAuth: true, onPassword: () => true }
  await catching(settings, async ({ over, port }) => {
    const auth = { username: 'anne', password: 'secret' }
    await sendMail({ ...over, auth }, draft)
    // 0.0.0.0 leads here too, but who would know?
    await assert.rejects(sendMail({ host: '0.0.0.0', port, tls: 'none', auth }, draft), /no way to sign in/)
    await assert.rejects(
      sendMail({ host: '0.0.0.0', port, tls: 'none', auth: { username: 'anne', token: 't' } }, draft),
      /no tokens/,
    )
  })
})

test('tokens: OAUTHBEARER where it is offered, else XOAUTH2, and the server takes both', async () => {
  const words = (offered: string[]): string | undefined => {
    const channel = { tls: null, plaintext: true }
    const client = chooseTokenMechanism(offered, { username: 'a,b=c@x.example', token: 'T1' }, channel)
    return client && `${client.name} ${Buffer.from(client.initial()!).toString()}`
  }
  assert.equal(
    words(['PLAIN', 'XOAUTH2', 'OAUTHBEARER']),
    'OAUTHBEARER n,a=a=2Cb=3Dc@x.example,\x01auth=Bearer T1\x01\x01',
  )
  assert.equal(words(['XOAUTH2']), 'XOAUTH2 user=a,b=c@x.example\x01auth=Bearer T1\x01\x01')
  assert.equal(words(['PLAIN']), undefined)
  const asked: unknown[] = []
  const settings: Partial<SmtpServerSettings<unknown>> = {
    plaintextAuth: true,
    onToken(credentials) {
      asked.push(credentials)
      return credentials.token === 'good'
    },
  }
  await catching(settings, async ({ port }) => {
    const client = await SmtpTalk.to(port)
    await client.reply()
    await client.say('EHLO me.example')
    const initial = (token: string): string =>
      Buffer.from(`user=a@x.example\x01auth=Bearer ${token}\x01\x01`).toString('base64')
    // The reason, then the refusal. RFC 7628 §3.2.3.
    assert.match(await client.say(`AUTH XOAUTH2 ${initial('bad')}`), /^334 /)
    assert.match(await client.say(''), /^535/)
    assert.match(await client.say(`AUTH XOAUTH2 ${initial('good')}`), /^235/)
    client.destroy()
  })
  assert.deepEqual(asked, [
    { username: 'a@x.example', token: 'bad' },
    { username: 'a@x.example', token: 'good' },
  ])
})

test('both sides can be overheard, but for passwords and messages, over STARTTLS too', async () => {
  const heard: Record<'server' | 'client', string[]> = { server: [], client: [] }
  const ear =
    (who: 'server' | 'client') =>
    ({ connection, from, text }: DialogueLine): void =>
      void heard[who].push(`${connection} ${from === 'client' ? 'C' : 'S'}: ${text}`)
  const settings: Partial<SmtpServerSettings<unknown>> = {
    tls: 'self-signed',
    dialogue: ear('server'),
    onPassword: () => true,
  }
  await catching(settings, async ({ port }) => {
    const auth = { username: 'anne', password: 'geheim' }
    const over = { host: '127.0.0.1', port, verify: false, auth, hostname: 'me.example', dialogue: ear('client') }
    await sendMail(over, { raw: 'Subject: secret\n\nNobody reads this\n', envelope })
    const by = await SmtpTalk.to(port)
    await by.reply()
    await by.say('EHLO me.example')
    await by.say('STARTTLS')
    await by.startTls()
    await by.say('EHLO me.example')
    assert.match(await by.say('AUTH LOGIN'), /^334/)
    assert.match(await by.say('YW5uZQ=='), /^334/)
    assert.match(await by.say('Z2VoZWlt'), /^235/)
    await by.say('MAIL FROM:<a@x.example>')
    await by.say('RCPT TO:<b@y.example>')
    await by.say('DATA')
    await by.say('Subject: secret\r\n\r\nNobody\r\n.')
    await by.say('QUIT')
  })
  const first = heard.server.filter((line) => line.startsWith('1 '))
  assert.deepEqual(
    heard.client.filter((line) => !/^1 S: (?:250-|220)/.test(line)),
    first.filter((line) => !/^1 S: (?:250-|220)/.test(line)),
  )
  for (const line of [
    '1 C: AUTH PLAIN ***',
    '1 C: MAIL FROM:<a@x.example> SIZE=38',
    '1 C: BDAT 38 LAST',
    '1 C: (38 bytes)',
  ])
    assert.ok(first.includes(line), line)
  const second = heard.server.filter((line) => line.startsWith('2 ')).map((line) => line.slice(2))
  const from = second.indexOf('C: AUTH LOGIN')
  assert.deepEqual(second.slice(from), [
    'C: AUTH LOGIN',
    'S: 334 ***',
    'C: ***',
    'S: 334 ***',
    'C: ***',
    'S: 235 2.7.0 Authentication successful',
    'C: MAIL FROM:<a@x.example>',
    'S: 250 2.1.0 Sender ok',
    'C: RCPT TO:<b@y.example>',
    'S: 250 2.1.5 Recipient ok',
    'C: DATA',
    'S: 354 Go ahead, end with <CRLF>.<CRLF>',
    'C: (30 bytes)',
    'S: 250 2.0.0 Message accepted',
    'C: QUIT',
    'S: 221 2.0.0 Goodbye',
  ])
  assert.doesNotMatch([...heard.server, ...heard.client].join(), /secret|Nobody|geheim|Z2Vo|AGFu/)
})

test('LMTP: each recipient has an answer of its own', async () => {
  const onMessage = (): (string | SmtpRefusal)[] => ['Filed', new SmtpRefusal(552, '5.2.2', 'Full')]
  await catching({ service: 'lmtp', onMessage }, async ({ over }) => {
    const report = await sendMail({ ...over, lmtp: true }, { ...draft, to: ['b@y.example', 'c@y.example'] })
    assert.deepEqual(accepted(report), ['b@y.example'])
    assert.equal(report.rejected[0]?.reply.code, 552)
  })
})

test('DKIM: signatures of both kinds verify as the message arrived, converted or large', async () => {
  const pem = { type: 'pkcs8', format: 'pem' } as const
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ed25519 = generateKeyPairSync('ed25519')
  const der = { type: 'spki', format: 'der' } as const
  const records: Record<string, string> = {
    'r._domainkey.x.example': `v=DKIM1; k=rsa; p=${rsa.publicKey.export(der).toString('base64')}`,
    'e._domainkey.x.example': `v=DKIM1; k=ed25519; p=${ed25519.publicKey.export(der).subarray(-32).toString('base64')}`,
  }
  const dkim = [
    { domain: 'x.example', selector: 'r', privateKey: rsa.privateKey.export(pem).toString() },
    { domain: 'x.example', selector: 'e', privateKey: ed25519.privateKey.export(pem).toString() },
  ]
  const big = Buffer.from(`From: a@x.example\r\nSubject: big\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(20_000)}`)
  const read = (start: number, end: number): Uint8Array => big.subarray(start, end)
  await catching({}, async ({ over, got }) => {
    await sendMail(over, draft, { dkim })
    await sendMail(over, { raw: { sizeBytes: big.length, read }, envelope }, { dkim })
    const pool = new SmtpPool({ ...over, dkim: dkim[1]! })
    await sendMail(pool, { raw: 'From: a@x.example\nSubject: no body', envelope })
    await pool.close()
    const results = await Promise.all(
      got.map(async ({ text }) => {
        const bytes = Buffer.from(text)
        const bodyStart = headerEnd(bytes, 0, bytes.length)
        const verifier = new DkimVerifier(parseHeader(bytes, 0, bodyStart))
        verifier.write(bytes.subarray(bodyStart))
        const txt = async (name: string) => ({ kind: 'found' as const, records: [records[name]!] })
        return (await verifier.end({ txt }, Date.now())).map(({ result }) => result)
      }),
    )
    assert.deepEqual(results, [['pass', 'pass'], ['pass', 'pass'], ['pass']])
  })
})

test('a pool: few connections, many messages, each connection for so many', async () => {
  let connections = 0
  let open = 0
  let most = 0
  const settings: Partial<SmtpServerSettings<unknown>> = {
    onConnect: () => void connections++,
    onMail: () => void (most = Math.max(most, ++open)),
    onRcpt: () => new Promise((resolve) => setImmediate(resolve)),
    onMessage: () => void open--,
  }
  await catching(settings, async ({ over }) => {
    const pool = new SmtpPool({ ...over, connectionsMax: 2, messagesMax: 10 })
    const sent = Array.from({ length: 50 }, () => pool.send({ raw, envelope }))
    assert.ok(pool.waiting > 0)
    await pool.close()
    assert.equal((await Promise.all(sent)).length, 50)
    await assert.rejects(pool.send({ raw, envelope }), /closed/)
  })
  assert.ok(connections >= 5 && connections <= 7, `${connections} connections`)
  assert.equal(most, 2)
})

test('a pool: a connection that the server has closed meanwhile costs nothing', async () => {
  let connections = 0
  // The first one is thrown out at its second message.
  const onMail = (): void => {
    if (connections === 1 && messages++ === 1) throw new SmtpRefusal(421, '4.7.0', 'Enough')
  }
  let messages = 0
  await catching({ onConnect: () => void connections++, onMail }, async ({ over, got }) => {
    await using pool = new SmtpPool(over)
    await pool.send({ raw, envelope })
    await pool.send({ raw, envelope })
    await pool.send({ raw, envelope })
    assert.deepEqual([connections, got.length], [2, 3])
  })
})

test('a pool: too many waiting are refused, one that fails does not stop the others', async () => {
  await catching({}, async ({ over, got }) => {
    const pool = new SmtpPool({ ...over, connectionsMax: 1, waitingMax: 1 })
    const wrong = pool.send({ raw, envelope: { from: 'no address', to: 'b@y.example' } })
    const right = pool.send({ raw, envelope })
    await assert.rejects(pool.send({ raw, envelope }), RangeError)
    await assert.rejects(wrong, ComposeFault)
    await right
    await pool.close()
    assert.equal(got.length, 1)
  })
})

test('a pool: no more messages in a time than its rate says', async () => {
  await catching({}, async ({ over, got }) => {
    await using pool = new SmtpPool({ ...over, rate: { messages: 2, perMs: 60 } })
    const beganMs = performance.now()
    await Promise.all(Array.from({ length: 5 }, () => pool.send({ raw, envelope })))
    // Two at once, two when the first time has passed, one when the second has. A timer may be a little early.
    assert.ok(performance.now() - beganMs >= 118)
    assert.equal(got.length, 5)
  })
})

test('verify: whether it would work', async () => {
  const settings = { plaintextAuth: true, onPassword: ({ password }: { password: string }) => password === 'right' }
  await catching(settings, async ({ over }) => {
    for (const [password, good] of [
      ['right', true],
      ['wrong', false],
    ] as const) {
      await using pool = new SmtpPool({ ...over, auth: { username: 'anne', password } })
      if (good) await pool.verify()
      else await assert.rejects(pool.verify(), SmtpReplyFault)
    }
    await using nobody = new SmtpPool({ host: '127.0.0.1', port: 1, tls: 'none' })
    await assert.rejects(nobody.verify(), SmtpConnectionFault)
  })
})

test('one connection carries one message after the other', async () => {
  await catching({}, async ({ over, got }) => {
    const client = await connectSmtp({ ...over, hostname: 'me.example' })
    assert.ok(client.has('PIPELINING'))
    await sendMail(client, draft)
    await sendMail(client, { raw, envelope })
    await client.quit()
    assert.equal(got.length, 2)
  })
})
