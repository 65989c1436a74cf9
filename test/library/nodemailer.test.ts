/** The real Nodemailer over our transport: what its own SMTP transport would have told, ours tells. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import {
  nodemailerTransport,
  SmtpRefusal,
  SmtpServer,
  type SmtpEnvelope,
  type SmtpServerSettings,
} from '../../src/library/smtp/index.ts'
import { readMessage } from '../../src/mail/view/read-message.ts'

interface Got {
  readonly envelope: SmtpEnvelope
  readonly bytes: Uint8Array
}

async function withTransport(
  settings: Partial<SmtpServerSettings<unknown>>,
  work: (transporter: ReturnType<typeof transporterTo>, got: Got[]) => Promise<void>,
): Promise<void> {
  const got: Got[] = []
  const server = new SmtpServer({
    plaintextAuth: true,
    onPassword: ({ password }) => password === 'secret',
    async onMessage(message) {
      got.push({ envelope: message.envelope, bytes: await message.bytes() })
      return 'Queued as 1'
    },
    ...settings,
  })
  const { port } = await server.listen(0)
  const transporter = transporterTo(port)
  try {
    await work(transporter, got)
  } finally {
    transporter.close()
    await server.close({ graceMs: 1000 })
  }
}

function transporterTo(port: number, password = 'secret') {
  return createTransport(
    nodemailerTransport({ host: '127.0.0.1', port, tls: 'none', auth: { username: 'anne', password } }),
  )
}

test('a message with everything arrives, and the info is Nodemailer’s', async () => {
  await withTransport({ offers: ['SMTPUTF8', 'DSN'] }, async (transporter, got) => {
    assert.equal(await transporter.verify(), true)
    assert.equal(transporter.isIdle(), true)
    const info = await transporter.sendMail({
      from: { name: 'Änne', address: 'a@x.example' },
      to: ['b@y.example', 'Carol <c@y.example>'],
      bcc: 'd@y.example',
      subject: 'Grüße 花',
      text: 'Hallo\n.\n..\nEnde',
      html: '<p>Hallo</p>',
      attachments: [{ filename: 'größe.bin', content: Buffer.from([0, 1, 2, 255]) }],
      dsn: { id: 'order 17', return: 'headers', notify: ['success', 'failure'], recipient: 'a@x.example' },
    })
    const [{ envelope, bytes }] = got as [Got]
    assert.deepEqual(info.envelope, { from: 'a@x.example', to: ['b@y.example', 'c@y.example', 'd@y.example'] })
    assert.deepEqual(info.accepted, ['b@y.example', 'c@y.example', 'd@y.example'])
    assert.deepEqual(info.rejected, [])
    assert.equal(info.response, '250 2.0.0 Queued as 1')
    assert.equal(info.messageSize, bytes.length)
    assert.deepEqual([envelope.sender.ret, envelope.sender.envelopeId], ['hdrs', 'order 17'])
    assert.deepEqual(envelope.recipients[0]!.notify, ['success', 'failure'])
    const message = readMessage(bytes)
    assert.equal(`<${message.messageId}>`, info.messageId)
    assert.equal(message.subject, 'Grüße 花')
    assert.deepEqual(message.people('bcc'), [])
    assert.equal(message.files[0]?.name, 'größe.bin')
    assert.deepEqual([...message.files[0].content()], [0, 1, 2, 255])
  })
})

test('a raw message with an envelope of its own; many at once over one pool', async () => {
  await withTransport({}, async (transporter, got) => {
    await transporter.sendMail({ raw: 'Subject: raw\n\nText', envelope: { from: '', to: 'b@y.example' } })
    assert.equal(got[0]!.envelope.sender.address, '')
    assert.equal(Buffer.from(got[0]!.bytes).toString(), 'Subject: raw\r\n\r\nText\r\n')
    const to = 'b@y.example'
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        transporter.sendMail({ from: 'a@x.example', to, subject: `${n}`, text: '' }),
      ),
    )
    const subjects = got.slice(1).map(({ bytes }) => Number(readMessage(bytes).subject))
    assert.deepEqual(
      subjects.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, n) => n),
    )
  })
})

test('errors bear Nodemailer’s codes', async () => {
  const refuse = (address: string): void => {
    if (address.startsWith('no')) throw new SmtpRefusal(550, '5.1.1', 'Nobody')
  }
  const settings: Partial<SmtpServerSettings<unknown>> = {
    onMail: ({ address }) => refuse(address),
    onRcpt: ({ address }) => refuse(address),
    onMessage: async (message) => {
      const { subject } = await message.parse()
      if (subject === 'spam') throw new SmtpRefusal(554, '5.7.1', 'Spam')
    },
  }
  await withTransport(settings, async (transporter) => {
    const partly = await transporter.sendMail({ from: 'a@x.example', to: ['no@y.example', 'b@y.example'], text: 'x' })
    assert.deepEqual([partly.accepted, partly.rejected], [['b@y.example'], ['no@y.example']])
    assert.match(partly.rejectedErrors![0]!.message, /no@y\.example was rejected: 550 5\.1\.1 Nobody/)
    for (const [mail, code, responseCode] of [
      [{ from: 'a@x.example', to: 'no@y.example' }, 'EENVELOPE', 550],
      [{ from: 'no@x.example', to: 'b@y.example' }, 'EENVELOPE', 550],
      [{ from: 'a@x.example', to: 'b@y.example', subject: 'spam' }, 'EENVELOPE', 554],
    ] as const)
      await assert.rejects(transporter.sendMail({ ...mail, text: 'x' }), { code, responseCode })
  })
  await withTransport({}, async (good) => {
    assert.equal(await good.verify(), true)
  })
  const away = transporterTo(1)
  await assert.rejects(away.verify(), { code: 'ECONNECTION' })
  const closed = new Promise((resolve) => {
    away.verify((error) => resolve((error as { code?: string } | null)?.code))
  })
  assert.equal(await closed, 'ECONNECTION')
  away.close()
  const server = new SmtpServer({ plaintextAuth: true, onPassword: () => null, onMessage() {} })
  const { port } = await server.listen(0)
  const stranger = transporterTo(port, 'wrong')
  await assert.rejects(stranger.verify(), { code: 'EAUTH', responseCode: 535 })
  stranger.close()
  await server.close({ graceMs: 0 })
})

test('Nodemailer’s own client at our server: STARTTLS, passwords, pipelines, what is refused', async () => {
  const users: unknown[] = []
  const server = new SmtpServer({
    tls: 'self-signed',
    onPassword: ({ username, password }) => (password === 'secret' ? username : null),
    onRcpt({ address }) {
      if (address.startsWith('no')) throw new SmtpRefusal(550, '5.1.1', 'Nobody')
    },
    async onMessage(message, session) {
      users.push([session.user, session.withProtocol, (await message.parse()).subject, message.sizeBytes > 2_000_000])
    },
  })
  const { port } = await server.listen(0)
  const options = { host: '127.0.0.1', port, requireTLS: true, tls: { rejectUnauthorized: false }, pool: true } as const
  const transporter = createTransport({ ...options, auth: { user: 'anne', pass: 'secret' } })
  const attachments = [{ filename: 'a.bin', content: Buffer.alloc(2_000_000, 1) }]
  const to = ['no@y.example', 'b@y.example']
  const info = await transporter.sendMail({ from: 'a@x.example', to, subject: 'Grüße', text: '.', attachments })
  assert.deepEqual([info.accepted, info.rejected], [['b@y.example'], ['no@y.example']])
  assert.deepEqual(users, [['anne', 'ESMTPSA', 'Grüße', true]])
  transporter.close()
  const stranger = createTransport({ ...options, auth: { user: 'anne', pass: 'wrong' } })
  await assert.rejects(stranger.verify(), { code: 'EAUTH', responseCode: 535 })
  stranger.close()
  await server.close({ graceMs: 1000 })
})
