/** `SmtpServer` over real sockets: what each handler's outcome makes the client hear. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import {
  connectSmtp,
  HandlerTimeoutFault,
  makeScramKeys,
  sendMail,
  silentLog,
  SmtpAbortFault,
  SmtpRefusal,
  SmtpReplyFault,
  SmtpServer,
  type IncomingMessage,
  type LogFacts,
  type SmtpServerSettings,
  type SmtpSession,
} from '../../src/library/smtp/index.ts'
import { makeAuthority } from '../stories/client-certificates.ts'
import { SmtpTalk, type TalkOptions } from '../support/smtp-talk.ts'

interface Running {
  readonly port: number
  readonly errors: unknown[]
  readonly server: SmtpServer<unknown>
  talk(options?: TalkOptions): Promise<SmtpTalk>
}

/** A server with these handlers, for as long as the work takes. */
async function serving(
  settings: Partial<SmtpServerSettings<unknown>>,
  work: (running: Running) => Promise<void>,
): Promise<void> {
  const errors: unknown[] = []
  const server = new SmtpServer({
    onMessage() {},
    onError: (error) => void errors.push(error),
    ...settings,
  })
  const { port } = await server.listen(0)
  const talks: SmtpTalk[] = []
  const talk = async (options?: TalkOptions): Promise<SmtpTalk> => {
    const one = await SmtpTalk.to(port, options)
    talks.push(one)
    return one
  }
  try {
    await work({ port, errors, server, talk })
  } finally {
    for (const one of talks) one.destroy()
    await server.close({ graceMs: 2000 })
  }
}

/** A promise, and who keeps it. */
function later(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void
  const promise = new Promise<void>((recordResults) => (resolve = recordResults))
  return { promise, resolve }
}

/** So many turns of the loop: what arrives meanwhile is served. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** As far as DATA's 354. */
async function upToData(talk: SmtpTalk, recipients: readonly string[] = ['b@y.example']): Promise<void> {
  assert.match(await talk.reply(), /^220 /)
  assert.match(await talk.say('EHLO me.example'), /^250/)
  assert.match(await talk.say('MAIL FROM:<a@x.example>'), /^250 2\.1\.0/)
  for (const recipient of recipients) await talk.say(`RCPT TO:<${recipient}>`)
  assert.match(await talk.say('DATA'), /^354/)
}

const small = 'Subject: Hi\r\n\r\n..dot\r\nText\r\n.'

test('a message reaches the handler with its envelope, its session and its bytes', async () => {
  const heard: unknown[] = []
  await serving(
    {
      hostname: 'mx.example.org',
      onMail: (sender, session) => void heard.push(['mail', sender.address, sender.sizeBytes, session.helo]),
      onRcpt: (recipient, session) =>
        void heard.push(['rcpt', recipient.address, session.envelope?.recipients.map(({ address }) => address)]),
      async onMessage(message, session) {
        const parsed = await message.parse()
        const text = Buffer.from(await message.bytes()).toString()
        heard.push(['message', parsed.subject, text, message.sizeBytes, session.withProtocol, session.peer.address])
        return 'Queued as 17\r\n250 forged'
      },
    },
    async ({ talk }) => {
      const client = await talk()
      assert.equal(await client.reply(), '220 mx.example.org ESMTP Pennypost')
      const hello = await client.say('EHLO me.example')
      assert.match(hello, /SMTPUTF8/)
      assert.doesNotMatch(hello, /AUTH|STARTTLS|DSN|REQUIRETLS|DELIVERBY|MT-PRIORITY|FUTURERELEASE/)
      assert.match(await client.say('MAIL FROM:<A@X.example> SIZE=40'), /^250/)
      assert.match(await client.say('RCPT TO:<b@y.example>'), /^250/)
      assert.match(await client.say('RCPT TO:<"c d"@y.example>'), /^250/)
      assert.match(await client.say('DATA'), /^354/)
      // Nobody's words begin a line of ours.
      assert.equal(await client.say(small), '250 2.0.0 Queued as 17 250 forged')
      assert.match(await client.say('QUIT'), /^221/)
    },
  )
  const text = 'Subject: Hi\r\n\r\n.dot\r\nText\r\n'
  assert.deepEqual(heard, [
    ['mail', 'A@x.example', 40, 'me.example'],
    ['rcpt', 'b@y.example', []],
    ['rcpt', '"c d"@y.example', ['b@y.example']],
    ['message', 'Hi', text, text.length, 'ESMTP', '127.0.0.1'],
  ])
})

const stages = ['onConnect', 'onMail', 'onRcpt', 'onMessage'] as const

for (const stage of stages) {
  for (const [code, enhanced] of [
    [450, '4.2.1'],
    [550, '5.7.1'],
  ] as const) {
    test(`${stage} refuses with ${code}: the client hears it word for word`, async () => {
      const refuse = (): never => {
        throw new SmtpRefusal(code, enhanced, 'Not you')
      }
      await serving({ [stage]: refuse }, async ({ talk, errors }) => {
        const client = await talk()
        assert.equal(await refusedAt(client, stage), `${code} ${enhanced} Not you`)
        assert.deepEqual(errors, [])
        if (stage === 'onConnect') assert.equal(await client.reply(), '')
        else assert.match(await client.say('NOOP'), /^250/)
      })
    })
  }

  test(`${stage} throws something else: 451, the error is told, and the next message has its chance`, async () => {
    let broken = true
    const fault = new Error('a secret')
    const fail = (): void => {
      if (broken) throw fault
    }
    await serving({ [stage]: async () => fail() }, async ({ talk, errors }) => {
      const client = await talk()
      assert.equal(await refusedAt(client, stage), '451 4.3.0 Local error, try again later')
      assert.deepEqual(errors, [fault])
      broken = false
      await upToData(await talk())
    })
  })
}

/** What a client hears at a stage that refuses. */
async function refusedAt(client: SmtpTalk, stage: (typeof stages)[number]): Promise<string> {
  const greeting = await client.reply()
  if (stage === 'onConnect') return greeting
  await client.say('EHLO me.example')
  const mail = await client.say('MAIL FROM:<a@x.example>')
  if (stage === 'onMail') return mail
  const rcpt = await client.say('RCPT TO:<b@y.example>')
  if (stage === 'onRcpt') return rcpt
  await client.say('DATA')
  return client.say(small)
}

test('a recipient that is refused is not among the recipients', async () => {
  const got: string[] = []
  await serving(
    {
      onRcpt({ address }) {
        if (address.startsWith('no')) throw new SmtpRefusal(550, '5.1.1', 'Nobody of that name')
      },
      onMessage: ({ envelope }) => void got.push(...envelope.recipients.map(({ address }) => address)),
    },
    async ({ talk }) => {
      const client = await talk()
      await upToData(client, ['no@y.example', 'yes@y.example'])
      assert.match(await client.say(small), /^250/)
    },
  )
  assert.deepEqual(got, ['yes@y.example'])
})

test('421 from a handler ends the connection', async () => {
  const leave = (): never => {
    throw new SmtpRefusal(421, '4.7.0', 'Come back later')
  }
  await serving({ onMail: leave }, async ({ talk }) => {
    const client = await talk()
    await client.reply()
    await client.say('EHLO me.example')
    client.write('MAIL FROM:<a@x.example>\r\nNOOP\r\n')
    assert.equal(await client.reply(), '421 4.7.0 Come back later')
    assert.equal(await client.reply(), '')
  })
})

test('the client goes in the middle of the message: the handler is told, nobody else', async () => {
  const faults: unknown[] = []
  const resets: number[] = []
  const closed = later()
  await serving(
    {
      async onMessage(message) {
        try {
          for await (const chunk of message) void chunk
        } catch (error) {
          faults.push(error)
          throw new Error('undone', { cause: error })
        }
      },
      onReset: ({ recipients }) => void resets.push(recipients.length),
      onClose: () => closed.resolve(),
    },
    async ({ talk, errors }) => {
      const client = await talk()
      await upToData(client)
      client.write('Subject: half\r\n\r\nA line\r\n')
      client.destroy()
      await closed.promise
      // The rejection of the handler has its turn.
      await turns(1)
      assert.deepEqual(errors, [])
    },
  )
  assert.equal(faults.length, 1)
  assert.ok(faults[0] instanceof SmtpAbortFault)
  assert.deepEqual(resets, [1])
})

test('a message over the limit: 552, and the handler learns that it broke off', async () => {
  const faults: unknown[] = []
  await serving(
    {
      messageBytesMax: 1000,
      onMessage: (message) =>
        message.bytes().then(
          () => {},
          (error) => void faults.push(error),
        ),
    },
    async ({ talk, errors }) => {
      const client = await talk()
      await upToData(client)
      assert.match(await client.say(`${'x'.repeat(70)}\r\n`.repeat(30) + '.'), /^552 5\.3\.4/)
      assert.match(await client.say('MAIL FROM:<a@x.example> SIZE=2000'), /^552 5\.3\.4/)
      assert.match(await client.say('NOOP'), /^250/)
      assert.deepEqual(errors, [])
    },
  )
  assert.ok(faults[0] instanceof SmtpAbortFault)
})

test('a bare LF is refused, or mended where that is wished', async () => {
  const texts: string[] = []
  const onMessage = async (message: IncomingMessage): Promise<void> => {
    texts.push(Buffer.from(await message.bytes()).toString())
  }
  await serving({ onMessage }, async ({ talk }) => {
    const client = await talk()
    await upToData(client)
    assert.match(await client.say('Subject: x\n\r\nText\r\n.'), /^554 5\.6\.0/)
  })
  await serving({ onMessage, bareNewline: 'normalize' }, async ({ talk }) => {
    const client = await talk()
    await upToData(client)
    assert.match(await client.say('Subject: x\n\r\nText\r\n.'), /^250/)
  })
  assert.deepEqual(texts, ['Subject: x\r\n\r\nText\r\n'])
})

test('the client waits while the handler does: what is unread stays bounded', async () => {
  const go = later()
  let message: IncomingMessage | undefined
  let before = 0
  let hash = ''
  await serving(
    {
      async onMessage(incoming) {
        message = incoming
        await go.promise
        before = incoming.sizeBytes
        const digest = createHash('sha256')
        for await (const chunk of incoming) digest.update(chunk)
        hash = digest.digest('hex')
      },
    },
    async ({ talk }) => {
      const client = await talk()
      await upToData(client)
      const body = `${'y'.repeat(998)}\r\n`.repeat(20_000)
      client.write(`${body}.\r\n`)
      // As much as waits unread, and whatever else would come.
      while ((message?.sizeBytes ?? 0) < 262_144) await turns(1)
      await turns(500)
      go.resolve()
      assert.match(await client.reply(), /^250/)
      assert.equal(hash, createHash('sha256').update(body).digest('hex'))
    },
  )
  assert.ok(before > 0 && before < 4_000_000, `${before} bytes were taken while nobody read`)
})

test('a handler that reads nothing takes the message, or refuses it, at its end', async () => {
  let at = 0
  await serving(
    {
      onMessage() {
        if (at++ > 0) throw new SmtpRefusal(554, '5.7.1', 'No more')
      },
    },
    async ({ talk }) => {
      const client = await talk()
      const body = `${`${'z'.repeat(900)}\r\n`.repeat(3000)}.`
      await upToData(client)
      assert.match(await client.say(body), /^250/)
      await client.say('MAIL FROM:<>')
      await client.say('RCPT TO:<b@y.example>')
      await client.say('DATA')
      assert.equal(await client.say(body), '554 5.7.1 No more')
    },
  )
})

test('a handler without end: 451 and a HandlerTimeoutFault, at the end of the message and in its middle', async () => {
  const never = new Promise<void>(() => {})
  await serving({ onMessage: () => never, handlerTimeoutMs: 50 }, async ({ talk, errors }) => {
    const client = await talk()
    await upToData(client)
    assert.match(await client.say(small), /^451/)
    await client.say('MAIL FROM:<>')
    await client.say('RCPT TO:<b@y.example>')
    await client.say('DATA')
    // More than waits unread: the session itself has to go on.
    assert.match(await client.say(`${`${'z'.repeat(900)}\r\n`.repeat(3000)}.`), /^451/)
    assert.ok(errors.length >= 2 && errors.every((error) => error instanceof HandlerTimeoutFault))
  })
})

test('BDAT: pieces are one message; RSET between them breaks it off', async () => {
  const told: unknown[] = []
  await serving(
    {
      async onMessage(message) {
        told.push(await message.bytes().then(String, (error: Error) => error.name))
      },
      onReset: () => void told.push('reset'),
    },
    async ({ talk, errors }) => {
      const client = await talk()
      await client.reply()
      await client.say('EHLO me.example')
      const begin = async (): Promise<void> => {
        await client.say('MAIL FROM:<a@x.example> BODY=BINARYMIME')
        await client.say('RCPT TO:<b@y.example>')
        client.write('BDAT 5\r\none\r\n')
        assert.match(await client.reply(), /^250/)
      }
      await begin()
      client.write('BDAT 4 LAST\r\n\x00\n\r.')
      assert.match(await client.reply(), /^250 2\.0\.0 Message accepted/)
      await begin()
      assert.match(await client.say('RSET'), /^250/)
      assert.match(await client.say('NOOP'), /^250/)
      assert.deepEqual(errors, [])
    },
  )
  assert.deepEqual(told, ['one\r\n\x00\n\r.', 'reset', 'SmtpAbortFault'])
})

test('a handler that has seen enough takes the message at its end; one that reads twice is told', async () => {
  let again = false
  await serving(
    {
      async onMessage(message) {
        for await (const chunk of message) if (chunk.length > 0) break
        if (again) for await (const chunk of message) void chunk
      },
    },
    async ({ talk, errors }) => {
      const body = `${`${'z'.repeat(900)}\r\n`.repeat(3000)}.`
      for (again of [false, true]) {
        const client = await talk()
        await upToData(client)
        assert.match(await client.say(body), again ? /^451/ : /^250 2\.0\.0 Message accepted/)
      }
      assert.match(String(errors), /can be read once/)
    },
  )
})

test('close cuts off who does not come to an end: the handler learns it', async () => {
  const told: unknown[] = []
  const server = new SmtpServer({
    onMessage: (message) =>
      message.bytes().then(
        () => {},
        (error: Error) => void told.push(error.name),
      ),
    onClose: () => void told.push('closed'),
  })
  const { port } = await server.listen(0)
  const client = await SmtpTalk.to(port)
  await upToData(client)
  client.write('Subject: half\r\n')
  await server.close({ graceMs: 0 })
  assert.equal(await client.reply(), '')
  await turns(2)
  assert.deepEqual(told.sort(), ['SmtpAbortFault', 'closed'])
})

test('LMTP: one answer for each recipient, by DATA and by BDAT', async () => {
  const results = [undefined, new SmtpRefusal(552, '5.2.2', 'Mailbox is full'), 'Filed']
  const answers = ['250 2.0.0 Message accepted', '552 5.2.2 Mailbox is full', '250 2.0.0 Filed']
  const all = ['a@y.example', 'b@y.example', 'c@y.example']
  await serving({ service: 'lmtp', onMessage: () => results }, async ({ talk }) => {
    const client = await talk()
    assert.match(await client.reply(), /^220 .*LMTP/)
    assert.match(await client.say('LHLO me.example'), /^250/)
    for (const way of ['DATA', 'BDAT'] as const) {
      await client.say('MAIL FROM:<a@x.example>')
      for (const one of all) await client.say(`RCPT TO:<${one}>`)
      if (way === 'DATA') await client.say('DATA')
      client.write(way === 'DATA' ? `${small}\r\n` : 'BDAT 3 LAST\r\nx\r\n')
      for (const answer of answers) assert.equal(await client.reply(), answer)
    }
  })
})

test('SMTP has one answer: 250 where anybody’s copy was taken, else the one that may become better', async () => {
  const no = new SmtpRefusal(550, '5.1.1', 'No')
  const later = new SmtpRefusal(450, '4.2.1', 'Later')
  const answers = [[no, undefined], [no, later], [no, no], [no]]
  await serving({ onMessage: () => answers.shift()! }, async ({ talk, errors }) => {
    const two = ['a@y.example', 'b@y.example']
    const answer = async (): Promise<string> => {
      const client = await talk()
      await upToData(client, two)
      return client.say(small)
    }
    assert.match(await answer(), /^250/)
    assert.equal(await answer(), '450 4.2.1 Later')
    assert.equal(await answer(), '550 5.1.1 No')
    // One result for two recipients is our own mistake.
    assert.match(await answer(), /^451/)
    assert.match(String(errors[0]), /1 results for 2 recipients/)
  })
})

test('what a server offers reaches its handlers; what it does not offer is refused', async () => {
  const heard: unknown[] = []
  await serving(
    {
      offers: ['SMTPUTF8', 'DSN', 'MT-PRIORITY'],
      onMail: ({ address, ret, envelopeId, smtpUtf8, priority }) =>
        void heard.push({ address, ret, envelopeId, smtpUtf8, priority }),
      onRcpt: ({ address, notify, originalRecipient }) => void heard.push({ address, notify, originalRecipient }),
    },
    async ({ talk }) => {
      const client = await talk()
      await client.reply()
      const hello = await client.say('EHLO me.example')
      assert.match(hello, /\bDSN\b/)
      assert.doesNotMatch(hello, /DELIVERBY|REQUIRETLS/)
      assert.match(await client.say('MAIL FROM:<a@x.example> BY=600;N'), /^555 5\.5\.4/)
      const utf8 = Buffer.from('MAIL FROM:<ä@x.example> SMTPUTF8 RET=HDRS ENVID=QQ1 MT-PRIORITY=-3').toString('latin1')
      assert.match(await client.say(utf8), /^250/)
      assert.match(await client.say('RCPT TO:<b@y.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c@z.example'), /^250/)
    },
  )
  assert.deepEqual(heard, [
    { address: 'ä@x.example', ret: 'hdrs', envelopeId: 'QQ1', smtpUtf8: true, priority: -3 },
    { address: 'b@y.example', notify: ['success', 'delay'], originalRecipient: 'rfc822;c@z.example' },
  ])
  await serving({ offers: [] }, async ({ talk }) => {
    const client = await talk()
    await client.reply()
    assert.doesNotMatch(await client.say('EHLO me.example'), /SMTPUTF8/)
    assert.match(await client.say('MAIL FROM:<a@x.example> SMTPUTF8'), /^555/)
    assert.match(await client.say('MAIL FROM:<a@x.example>'), /^250/)
    assert.match(await client.say('RCPT TO:<b@y.example> NOTIFY=NEVER'), /^555/)
  })
})

test('STARTTLS: onSecure is asked, and what it refuses ends the connection', async () => {
  const seen: (string | null)[] = []
  let welcome = true
  await serving(
    {
      tls: 'self-signed',
      hostname: 'mx.example.org',
      onSecure(session) {
        seen.push(session.tls?.version ?? null)
        if (!welcome) throw new SmtpRefusal(554, '5.7.1', 'Not over this')
      },
    },
    async ({ talk }) => {
      for (const good of [true, false]) {
        welcome = good
        const client = await talk()
        await client.reply()
        assert.match(await client.say('EHLO me.example'), /STARTTLS/)
        assert.match(await client.say('STARTTLS'), /^220/)
        await client.startTls()
        if (good) assert.doesNotMatch(await client.say('EHLO me.example'), /STARTTLS/)
        else {
          assert.equal(await client.reply(), '554 5.7.1 Not over this')
          assert.equal(await client.reply(), '')
        }
      }
    },
  )
  assert.deepEqual(seen, ['TLSv1.3', 'TLSv1.3'])
})

test('TLS from the first byte: onConnect before onSecure, both before the greeting', async () => {
  const calls: string[] = []
  const note = (name: string) => (session: SmtpSession) => void calls.push(`${name} ${session.tls?.version}`)
  await serving(
    { service: 'submissions', tls: 'self-signed', onConnect: note('connect'), onSecure: note('secure') },
    async ({ talk }) => {
      const client = await talk({ tls: true })
      assert.match(await client.reply(), /^220/)
    },
  )
  assert.deepEqual(calls, ['connect TLSv1.3', 'secure TLSv1.3'])
})

test('who begins with a handshake that is none is told to the log, and no handler', async () => {
  const events: unknown[] = []
  const told = later()
  const info = (event: string, facts: LogFacts = {}): void => {
    events.push([event, facts.service])
    told.resolve()
  }
  const log = { ...silentLog, info }
  const onConnect = (): void => void events.push('connected')
  await serving({ service: 'submissions', tls: 'self-signed', log, onConnect }, async ({ talk, errors }) => {
    const client = await talk()
    client.write('EHLO me.example\r\n')
    await told.promise
    assert.deepEqual(errors, [])
  })
  assert.deepEqual(events, [['connection failed', 'submissions']])
})

test('signing in by password: nobody sends before, the user is what the handler gave', async () => {
  const users: unknown[] = []
  await serving(
    {
      plaintextAuth: true,
      onPassword: ({ username, password }) => (password === 'right' ? { id: username.length } : null),
      onMessage: (_, session) => void users.push([session.user, session.username, session.withProtocol]),
    },
    async ({ talk }) => {
      const client = await talk()
      await client.reply()
      assert.match(await client.say('EHLO me.example'), /AUTH PLAIN LOGIN/)
      assert.match(await client.say('MAIL FROM:<a@x.example>'), /^530 5\.7\.0/)
      const plain = (password: string): string => Buffer.from(`\0anne\0${password}`).toString('base64')
      assert.match(await client.say(`AUTH PLAIN ${plain('wrong')}`), /^535 5\.7\.8/)
      assert.match(await client.say(`AUTH PLAIN ${plain('right')}`), /^235/)
      await client.say('MAIL FROM:<a@x.example>')
      await client.say('RCPT TO:<b@y.example>')
      await client.say('DATA')
      assert.match(await client.say(small), /^250/)
    },
  )
  assert.deepEqual(users, [[{ id: 4 }, 'anne', 'ESMTPA']])
})

test('a sign-in handler that fails is 454, not a wrong password; one that refuses is quoted', async () => {
  let fault: Error = new Error('the database is away')
  const onPassword = (): never => {
    throw fault
  }
  await serving({ plaintextAuth: true, onPassword }, async ({ talk, errors }) => {
    const client = await talk()
    await client.reply()
    await client.say('EHLO me.example')
    assert.match(await client.say('AUTH PLAIN AGEAYg=='), /^454 4\.7\.0/)
    assert.deepEqual(errors, [fault])
    fault = new SmtpRefusal(535, '5.7.8', 'Set a new password first')
    assert.equal(await client.say('AUTH PLAIN AGEAYg=='), '535 5.7.8 Set a new password first')
  })
})

test('passwords wait for TLS; SCRAM is bound to it; tokens are asked with the name', async () => {
  const keys = await makeScramKeys('pencil')
  const asked: unknown[] = []
  await serving(
    {
      tls: 'self-signed',
      findScramKeys: (username) => (username === 'anne' ? { keys, user: 'Anne by SCRAM' } : null),
      onToken: ({ username, token }) => (token === 'good' ? `${username} by token` : null),
      onMessage: (_, session) => void asked.push(session.user),
    },
    async ({ port, talk }) => {
      const client = await talk()
      await client.reply()
      assert.doesNotMatch(await client.say('EHLO me.example'), /AUTH/)
      const to = { host: '127.0.0.1', port, verify: false }
      const mail = { from: 'a@x.example', to: 'b@y.example', text: 'Hi' }
      await sendMail({ ...to, auth: { username: 'anne', password: 'pencil' } }, mail)
      await sendMail({ ...to, auth: { username: 'anne', token: async () => 'good' } }, mail)
      for (const auth of [
        { username: 'anne', password: 'wrong' },
        { username: 'nobody', password: 'pencil' },
        { username: 'anne', token: 'bad' },
      ])
        await assert.rejects(
          connectSmtp({ ...to, auth }),
          (error) => error instanceof SmtpReplyFault && error.stage === 'AUTH' && error.reply.code === 535,
        )
    },
  )
  assert.deepEqual(asked, ['Anne by SCRAM', 'anne by token'])
})

test('EXTERNAL: a certificate that our authority signed says who it is; others are not even offered it', async () => {
  const ours = await makeAuthority('ours')
  const pair = await ours.sign({ addresses: ['anne@x.example'] })
  const strange = await (await makeAuthority('strange')).sign({ addresses: ['anne@x.example'] })
  const asked: unknown[] = []
  const settings: Partial<SmtpServerSettings<unknown>> = {
    service: 'submissions',
    tls: 'self-signed',
    clientAuthority: ours.cert,
    onCertificate(credentials) {
      asked.push(credentials)
      return credentials.addresses.includes('anne@x.example') && credentials.username !== 'bob'
    },
    onMail: (_, session) => void asked.push(session.username),
  }
  await serving(settings, async ({ talk }) => {
    for (const one of [undefined, strange]) {
      const client = await talk({ tls: true, pair: one })
      await client.reply()
      assert.doesNotMatch(await client.say('EHLO me.example'), /AUTH/)
    }
    const client = await talk({ tls: true, pair })
    await client.reply()
    assert.match(await client.say('EHLO me.example'), /AUTH EXTERNAL$/m)
    assert.match(await client.say(`AUTH EXTERNAL ${Buffer.from('bob').toString('base64')}`), /^535/)
    assert.match(await client.say('AUTH EXTERNAL ='), /^235/)
    assert.match(await client.say('MAIL FROM:<a@x.example>'), /^250/)
  })
  const addresses = ['anne@x.example']
  assert.deepEqual(asked, [{ username: 'bob', addresses }, { username: '', addresses }, 'anne@x.example'])
  assert.throws(() => new SmtpServer({ onMessage() {}, onCertificate: () => null }), /clientAuthority/)
})

test('more connections than are taken: 421', async () => {
  await serving({ connectionsMax: 1 }, async ({ talk, server }) => {
    const first = await talk()
    assert.match(await first.reply(), /^220/)
    assert.equal(server.connections, 1)
    const second = await talk()
    assert.match(await second.reply(), /^421 4\.7\.0/)
  })
})

test('close: quiet connections hear 421, a message that is under way comes to its end', async () => {
  const server = new SmtpServer({ onMessage() {} })
  const { port } = await server.listen(0)
  const [quiet, busy] = [await SmtpTalk.to(port), await SmtpTalk.to(port)]
  assert.match(await quiet.reply(), /^220/)
  await upToData(busy)
  const closing = server.close()
  assert.match(await quiet.reply(), /^421 4\.3\.2/)
  assert.match(await busy.say(small), /^250/)
  assert.match(await busy.reply(), /^421/)
  quiet.destroy()
  busy.destroy()
  await closing
  await assert.rejects(SmtpTalk.to(port))
  await assert.rejects(server.listen(0), /closed/)
})

test('a proxy names the client, by a PROXY header or by XCLIENT', async () => {
  const peers: string[] = []
  const onMail = (_: unknown, session: SmtpSession): void => void peers.push(session.peer.address)
  await serving({ proxyFrom: ['127.0.0.0/8'], onMail }, async ({ talk }) => {
    const client = await talk()
    client.write('PROXY TCP4 192.0.2.7 192.0.2.1 4321 25\r\n')
    await client.reply()
    await client.say('EHLO me.example')
    assert.match(await client.say('MAIL FROM:<a@x.example>'), /^250/)
  })
  await serving({ xclientFrom: ['127.0.0.1'], onMail }, async ({ talk }) => {
    const client = await talk()
    await client.reply()
    await client.say('EHLO proxy.example')
    assert.match(await client.say('XCLIENT ADDR=192.0.2.8'), /^220/)
    await client.say('EHLO me.example')
    assert.match(await client.say('MAIL FROM:<a@x.example>'), /^250/)
  })
  assert.deepEqual(peers, ['192.0.2.7', '192.0.2.8'])
})

test('settings that contradict each other, and refusals that refuse nothing, are told at once', () => {
  const onMessage = (): void => {}
  assert.throws(() => new SmtpServer({ onMessage, service: 'submissions' }), /needs `tls`/)
  assert.throws(() => new SmtpServer({ onMessage, service: 'smtp', onPassword: () => null }), /smtp has no sign-in/)
  assert.throws(() => new SmtpServer({ onMessage, proxyFrom: ['10.0.0.0/40'] }), /no IP network/)
  assert.throws(() => new SmtpRefusal(250, '2.0.0', 'Fine'), TypeError)
  assert.throws(() => new SmtpRefusal(550, '4.1.1', 'Which?'), TypeError)
  assert.equal(new SmtpRefusal(550, '5.1.1', 'a\r\n250 b').status.text, 'a 250 b')
})
