/** Options that are mistyped, or written as other libraries have them, are told in one sentence by every door of the libraries. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import {
  composeMessage,
  deliveryReport,
  dispositionReport,
  feedbackReport,
  inspectMessage,
  readMessage,
  readStream,
} from '../../src/library/mail/index.ts'
import { connectSmtp, nodemailerTransport, sendMail, SmtpPool, SmtpServer } from '../../src/library/smtp/index.ts'

/** What a program in JavaScript may write. */
const any = (value: unknown): never => value as never
const text = { from: 'a@example.org', to: 'b@example.org', text: 'x' }

async function says(sentence: string, act: () => unknown): Promise<void> {
  await assert.rejects(async () => act(), { name: 'TypeError', message: sentence })
}

test('SmtpServer: mistyped, missing, of a wrong kind, and as smtp-server has it', async () => {
  const made = (settings: object) => () => new SmtpServer(any(settings))
  const onMessage = (): void => {}
  await says('SmtpServer: unknown option onMesage: did you mean onMessage?', made({ onMesage: onMessage }))
  await says('SmtpServer: onMessage is missing: a function', made({}))
  await says('SmtpServer: onRcpt must be a function, not true', made({ onMessage, onRcpt: true }))
  await says('SmtpServer: unknown option onData: write onMessage', made({ onData: onMessage }))
  await says('SmtpServer: unknown option secure: write implicitTls', made({ onMessage, secure: true }))
  await says('SmtpServer: tls: cert is missing: text or bytes (Uint8Array)', made({ onMessage, tls: { key: 'x' } }))
  await says(
    'SmtpServer: policy: unknown option recipientMax: did you mean recipientsMax?',
    made({ onMessage, policy: { recipientMax: 1 } }),
  )
  const server = new SmtpServer({ onMessage })
  await says('SmtpServer.listen: port must be a number, not the text "0"', () => server.listen(any('0')))
  await says('SmtpServer.listen: port is missing: a number', () => server.listen(any(undefined)))
  await says('SmtpServer.listen: address must be text, not an object', () => server.listen(0, any({})))
  await says('SmtpServer.close: unknown option graceMS: did you mean graceMs?', () => server.close(any({ graceMS: 1 })))
  await server.close()
})

test('an object of a class is good for handlers', async () => {
  class Handlers {
    readonly caught: string[] = []
    async onMessage(message: { parse(): Promise<{ subject: string | undefined }> }): Promise<void> {
      this.caught.push((await message.parse()).subject ?? '')
    }
  }
  const handlers = new Handlers()
  const server = new SmtpServer(handlers)
  const { port } = await server.listen(0)
  await sendMail({ host: '127.0.0.1', port, tls: 'none' }, { ...text, subject: 'Hi' })
  await server.close()
  assert.deepEqual(handlers.caught, ['Hi'])
})

test('SmtpPool, connectSmtp and sendMail: as Nodemailer has it', async () => {
  const host = '127.0.0.1'
  for (const [options, rest] of [
    [{ host, auth: { user: 'a', pass: 'b' } }, 'auth: unknown option user: write username'],
    [{ host, auth: { username: 'a', pass: 'b' } }, 'auth: unknown option pass: write password'],
    [{ host, auth: { username: 'a' } }, 'auth must have username, and either password or token'],
    [{ host, auth: 'a:b' }, 'auth takes an object, not text'],
    [{ port: 25 }, 'host is missing: text'],
    [{ host, port: '25' }, 'port must be a number, not the text "25"'],
    [
      { host, secure: true },
      "unknown option secure: write tls: 'implicit' for true; false is the default at other ports than 465",
    ],
    [
      { host, tls: { rejectUnauthorized: false } },
      'tls must be one of "implicit", "starttls", "opportunistic", "none"; ca, serverName and verify are options beside it',
    ],
    [{ host, proxy: 'socks5://x' }, 'proxy takes an object, not text'],
  ] as const) {
    await says(`SmtpPool: ${rest}`, () => new SmtpPool(any(options)))
    await says(`SmtpPool: ${rest}`, () => nodemailerTransport(any(options)))
    await says(`connectSmtp: ${rest}`, () => connectSmtp(any(options)))
    await says(`connectSmtp: ${rest}`, () => sendMail(any(options), text))
  }
  await says(
    'SmtpPool: unknown option maxConnections: write connectionsMax',
    () => new SmtpPool(any({ host, maxConnections: 1 })),
  )
  await says('connectSmtp: unknown option connectionsMax', () => connectSmtp(any({ host, connectionsMax: 1 })))
})

test('messages: as Nodemailer has them, by composeMessage, sendMail and a pool', async () => {
  const over = { host: '127.0.0.1', port: 1, tls: 'none' } as const
  const pool = new SmtpPool(over)
  const file = { name: 'a.txt', content: 'x' }
  for (const [draft, rest] of [
    [{ attachments: [{ filename: 'a.txt', content: 'x' }] }, 'attachments[0]: unknown option filename: write name'],
    [
      { attachments: [file, { path: '/tmp/a.txt' }] },
      'attachments[1]: unknown option path: open the file and give its content, as content: createReadStream(path) or content: await readFile(path), with a name',
    ],
    [
      { attachments: [{ name: 'a.txt' }] },
      'attachments[0]: content is missing: text, bytes (Uint8Array) or a stream (AsyncIterable)',
    ],
    [
      { attachments: [{ content: new ArrayBuffer(1) }] },
      'attachments[0]: content must be text, bytes (Uint8Array) or a stream (AsyncIterable), not an ArrayBuffer',
    ],
    [
      { attachments: [{ ...file, cid: 'a' }] },
      'attachments[0]: unknown option cid: write contentId, and inline: true where the HTML shows it',
    ],
    [{ attachments: [{ ...file, contentType: 'a/b' }] }, 'attachments[0]: unknown option contentType: write type'],
    [
      { attachments: [{ ...file, encoding: 'hex' }] },
      'attachments[0]: unknown option encoding: give the bytes themselves, as content: Buffer.from(text, encoding)',
    ],
    [{ attachments: file }, 'attachments must be an array'],
    [{ headers: { 'X-A': 'b' } }, "unknown option headers: write fields: [['X-Name', 'value']]"],
    [{ subjct: 'x' }, 'unknown option subjct: did you mean subject?'],
    [{ text: Buffer.from('x') }, 'text must be text, not a Buffer'],
    [{ to: { name: 'Bob' } }, 'to: address is missing: text'],
    [{ cc: ['c@example.org', { adress: 'x' }] }, 'cc[1]: unknown option adress: did you mean address?'],
  ] as const) {
    await says(`composeMessage: ${rest}`, () => composeMessage(any({ ...text, ...draft })))
    await says(`sendMail: ${rest}`, () => sendMail(over, any({ ...text, ...draft })))
    await says(`sendMail: ${rest}`, () => pool.send(any({ ...text, ...draft })))
  }
  await says('sendMail: unknown option dsn: write notify, ret and envelopeId', () =>
    sendMail(over, text, any({ dsn: {} })),
  )
  await says('sendMail: envelope: to is missing: text or an array', () =>
    sendMail(over, text, any({ envelope: { from: '' } })),
  )
  await says('sendMail: envelope is missing: { from, to }, beside raw', () =>
    sendMail(over, any({ raw: 'Subject: x\r\n\r\n' })),
  )
  await pool.close()
})

test('composeMessage needs nothing but a draft: its date is now, its ids are of the domain of From, and differ', async () => {
  const before = Date.now()
  const draft = { from: 'Anne <anne@example.org>', to: ['b@example.org'], text: 'x', html: '<p>x' }
  const [one, other] = [composeMessage(draft), composeMessage(draft)]
  assert.match(one.messageId, /^[0-9a-f]{32}@example\.org$/)
  assert.notEqual(one.messageId, other.messageId)
  const { date } = readMessage(await one.bytes())
  assert.ok(date!.epochMs >= before - 1000 && date!.epochMs <= Date.now())
  const own = composeMessage(draft, { nowMs: 0, hostname: 'mx.example.net' })
  assert.match(own.messageId, /@mx\.example\.net$/)
  assert.match(Buffer.from(await own.bytes()).toString(), /^Date: Thu, 1 Jan 1970 /)
  await says('composeMessage: unknown option hostName: did you mean hostname?', () =>
    composeMessage(draft, any({ hostName: 'x' })),
  )
})

test('readMessage and inspectMessage take bytes and text; of anything else they say how it becomes that', async () => {
  const source = 'Subject: Grüße\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSchön\r\n'
  const bytes = new TextEncoder().encode(source)
  for (const one of [source, bytes, Buffer.from(source), bytes.buffer]) {
    const { subject, plainText } = readMessage(any(one))
    assert.deepEqual([subject, plainText?.trim()], ['Grüße', 'Schön'])
    assert.deepEqual([...inspectMessage(any(one)).counts.keys()], [...inspectMessage(bytes).counts.keys()])
  }
  const gather = ': of a stream, give Buffer.concat(await stream.toArray()), or use readStream'
  await says(`readMessage takes bytes or text${gather}`, () => readMessage(any(Readable.from([bytes]))))
  await says(
    'readMessage takes bytes or text: of a stream, give await new Response(stream).arrayBuffer(), or use readStream',
    () => readMessage(any(new Blob([bytes]).stream())),
  )
  await says('readMessage takes bytes or text: of this, give await it.arrayBuffer()', () =>
    readMessage(any(new Blob([bytes]))),
  )
  await says('readMessage takes bytes or text, not undefined', () => readMessage(any(undefined)))
  await says('readMessage: unknown option partMax: did you mean partsMax?', () =>
    readMessage(source, any({ partMax: 1 })),
  )
  assert.equal(
    readMessage('Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b\n\n--b--\n', { partsMax: 2 }).root.children
      .length,
    1,
  )
})

test('readStream takes chunks of bytes or text', async () => {
  const subjects: (string | undefined)[] = []
  const halves = ['Subject: Grü', 'ße\r\n\r\n']
  const stream = Readable.from(
    halves.map((half) => Buffer.from(half)),
    { objectMode: false },
  ).setEncoding('utf8')
  for (const chunks of [halves, stream])
    for await (const event of readStream(chunks))
      if (event.kind === 'begin') subjects.push(event.header.valueOf('subject'))
  assert.deepEqual(
    subjects.map((subject) => Buffer.from(subject!, 'latin1').toString()),
    ['Grüße', 'Grüße'],
  )
  await says('readStream takes chunks: a message that is in memory is read by readMessage', () => readStream('x'))
  await says('readStream takes chunks, not an object', () => readStream(any({})))
})

test('reports: what they are made of is told by name', async () => {
  const report = { text: 'x' }
  await says('deliveryReport: text is missing: text', () => deliveryReport(any({}), any({})))
  await says('deliveryReport: the status: extensions is missing: an array', () =>
    deliveryReport(report, any({ recipients: [] })),
  )
  await says('deliveryReport: the status: recipients is missing: an array', () =>
    deliveryReport(report, any({ extensions: [] })),
  )
  const wrong = { extensions: [], recipients: [{ extensions: [], action: 'lost' }] }
  await says(
    'deliveryReport: the status: recipients[0]: action must be one of "failed", "delayed", "delivered", "relayed", "expanded", not "lost"',
    () => deliveryReport(report, any(wrong)),
  )
  await says('dispositionReport: the notification: unknown option error: did you mean errors?', () =>
    dispositionReport(report, any({ error: [] })),
  )
  await says('feedbackReport: the report: sourcePort must be a number, not the text "25"', () =>
    feedbackReport(report, any({ sourcePort: '25' })),
  )
  await says('feedbackReport: original must be bytes (Uint8Array), not text', () =>
    feedbackReport(any({ text: 'x', original: 'Subject: x' }), any({})),
  )
})
