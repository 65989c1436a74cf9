import assert from 'node:assert/strict'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { dialogue } from './dialogue.ts'
import { pennypost, removeFolder, serve, temporaryFolder, type Server } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

let folders = 0

/** A configuration with free ports for SMTP and IMAPS, and its folder. */
function configuration(more = ''): { file: string; data: string } {
  const name = `system${++folders}`
  const file = join(base, `${name}.toml`)
  const listeners = ['smtp', 'imaps'].map(
    (service) => `[[listener]]\nservice = "${service}"\naddress = "127.0.0.1:0"\n`,
  )
  writeFileSync(file, `data = "${name}"\n${more}${listeners.join('')}`)
  return { file, data: join(base, name) }
}

/** Runs a system for a test; ends it whatever happens. */
async function running(t: TestContext, file: string): Promise<Server> {
  const server = await serve(['--config', file], 2)
  t.after(() => {
    server.signal('SIGKILL')
    return server.ended
  })
  return server
}

async function send(server: Server, to: string): Promise<void> {
  const socket = connect(server.port('smtp'), '127.0.0.1')
  await dialogue(socket, [
    ['', /^220 .*\r\n/],
    ['EHLO there.example\r\n', /^250 .*\r\n/m],
    ['MAIL FROM:<eve@there.example>\r\n', /^250 .*\r\n/m],
    [`RCPT TO:<${to}>\r\n`, /^250 .*\r\n/m],
    ['DATA\r\n', /^354 .*\r\n/m],
    [
      'From: eve@there.example\r\nSubject: hello\r\nMessage-ID: <story.1@there.example>\r\n\r\nHello.\r\n.\r\n',
      /^250 .*\r\n/m,
    ],
    ['QUIT\r\n', /^221 .*\r\n/m],
  ])
  socket.destroy()
}

async function signIn(server: Server, user: string, password: string, expected: RegExp): Promise<void> {
  const socket = connectTls({ host: '127.0.0.1', port: server.port('imaps'), rejectUnauthorized: false })
  await dialogue(socket, [
    ['', /^\* OK .*\r\n/],
    [`a LOGIN ${user} "${password}"\r\n`, expected],
  ])
  socket.destroy()
}

test('the first start shows the first account once, and it works', async (t) => {
  const { file, data } = configuration()
  const server = await running(t, file)
  // Two pipes: the log may be heard before what was printed.
  while (!server.texts.out.includes('Its password')) await new Promise((resolve) => setTimeout(resolve, 10))
  const [, name, password] = /^First account: (\S+)\nIts password: {2}(\S+)\n$/.exec(server.texts.out)!
  assert.equal(name, 'admin@pennypost.localhost')
  await signIn(server, name!, password!, /^a OK /m)
  await signIn(server, name!, 'another', /^a NO /m)
  assert.doesNotMatch(server.texts.err, new RegExp(password!), 'no secret in the log')
  assert.equal(statSync(data).mode & 0o777, 0o700)
  server.signal('SIGTERM')
  assert.equal(await server.ended, 0)
  assert.deepEqual(
    server
      .events()
      .map(({ event }) => event)
      .filter((event) => event !== 'event loop blocked')
      .slice(-2),
    ['stopping', 'stopped'],
  )
  const again = await running(t, file)
  assert.equal(again.texts.out, '')
})

test('commands steer a running server, and what they make works at once', async (t) => {
  const { file, data } = configuration()
  const server = await running(t, file)
  assert.equal(statSync(join(data, 'control.sock')).mode & 0o777, 0o600)
  const at = ['--config', file]
  assert.equal((await pennypost(['domain', 'add', 'example.org', ...at])).status, 0)
  const added = await pennypost(['account', 'add', 'alice@example.org', '--password-stdin', ...at], {
    input: 'correct horse\n',
  })
  assert.deepEqual([added.status, added.err], [0, ''])
  await signIn(server, 'alice@example.org', 'correct horse', /^a OK /m)
  await pennypost(['account', 'password', 'alice@example.org', '--password-stdin', ...at], {
    input: 'battery staple\n',
  })
  await signIn(server, 'alice@example.org', 'correct horse', /^a NO /m)
  await signIn(server, 'alice@example.org', 'battery staple', /^a OK /m)

  await send(server, 'alice@example.org')
  const [inbox] = (
    JSON.parse((await pennypost(['mailbox', 'list', 'alice@example.org', '--json', ...at])).out) as {
      name: string
      messages: number
    }[]
  ).filter(({ name }) => name === 'INBOX')
  assert.equal(inbox!.messages, 1)
  for (const question of ['alice@example.org', 'story.1@there.example']) {
    const { out, status } = await pennypost(['trace', question, ...at])
    assert.equal(status, 0)
    assert.match(
      out,
      /arrived\n[\s\S]*> MAIL FROM:<eve@there\.example>\n {4}< 250\n[\s\S]*- alice@example\.org: filed in INBOX\n[\s\S]*alice@example\.org: filed at .* \(INBOX 1\)/,
    )
  }
  const stranger = connect(server.port('smtp'), '127.0.0.1')
  await dialogue(stranger, [
    ['', /^220 .*\r\n/],
    ['EHLO there.example\r\n', /^250 .*\r\n/m],
    ['MAIL FROM:<eve@there.example>\r\n', /^250 .*\r\n/m],
    ['RCPT TO:<nobody@example.org>\r\n', /^550 .*\r\n/m],
    ['QUIT\r\n', /^221 .*\r\n/m],
  ])
  stranger.destroy()
  const refused = await pennypost(['trace', 'nobody@example.org', ...at])
  assert.match(refused.out, /was aborted by the client\n[\s\S]*> RCPT TO:<nobody@example\.org>\n {4}< 550 5\.1\.1 /)
  const [traced] = JSON.parse((await pennypost(['trace', 'alice@example.org', '--json', ...at])).out) as {
    id: string
    ledger: { outcome: string }[]
  }[]
  assert.deepEqual(
    traced!.ledger.map(({ outcome }) => outcome),
    ['filed'],
  )
  assert.equal((await pennypost(['trace', traced!.id, ...at])).status, 0)
  const lately = JSON.parse((await pennypost(['trace', '--since', '1h', '--json', ...at])).out) as unknown[]
  assert.equal(lately.length, 2)
  // The ledger answers when the trace is gone: by id, by time, by recipient.
  rmSync(join(data, 'trace'), { recursive: true })
  for (const question of [[traced!.id], ['--since', '1h'], ['Alice@example.org', '--since', '1h']]) {
    const { out } = await pennypost(['trace', ...question, ...at])
    assert.match(out, /^Message \w+\n {2}alice@example\.org: filed at .* \(INBOX 1\)\n\n$/, question.join(' '))
  }
  assert.equal((await pennypost(['trace', 'alice@example.org', ...at])).status, 1)

  const verified = await pennypost(['verify', ...at])
  assert.match(verified.out, /^All is well: checked 2 accounts, 12 mailboxes, 1 message,/)
  assert.equal(verified.status, 0)
})

test('a folder has one owner, and the second is told who it is', async (t) => {
  const { file } = configuration()
  const server = await running(t, file)
  const second = await pennypost(['serve', '--config', file])
  assert.deepEqual([second.status, second.out], [1, ''])
  const sentence = second.err.split('\n').filter((line) => !line.startsWith('{') && line !== '')
  assert.equal(sentence.length, 1)
  assert.match(
    sentence[0]!,
    new RegExp(
      `^The data folder .* is in use by another Pennypost process \\(pid ${server.pid}\\): stop that process first, or use another folder with --data\\.$`,
    ),
  )
})

test('after a kill the folder is free, and commands work without a server', async (t) => {
  const { file, data } = configuration()
  const server = await running(t, file)
  await send(server, 'admin@pennypost.localhost')
  server.signal('SIGKILL')
  await server.ended
  assert.ok(existsSync(join(data, 'control.sock')))
  const { status, out } = await pennypost(['account', 'list', '--json', '--config', file])
  assert.equal(status, 0)
  assert.equal((JSON.parse(out) as { usedMessages: number }[])[0]!.usedMessages, 1)
  assert.equal((await pennypost(['verify', '--config', file])).status, 0)
  assert.ok((await running(t, file)).port('smtp') > 0)
})

test('who is told twice to stop does not wait', async (t) => {
  const { file } = configuration()
  const server = await running(t, file)
  const socket = connect(server.port('smtp'), '127.0.0.1')
  await dialogue(socket, [
    ['', /^220 .*\r\n/],
    ['EHLO there.example\r\n', /^250 .*\r\n/m],
    ['MAIL FROM:<eve@there.example>\r\n', /^250 .*\r\n/m],
    ['RCPT TO:<admin@pennypost.localhost>\r\n', /^250 .*\r\n/m],
    ['DATA\r\n', /^354 .*\r\n/m],
  ])
  socket.on('error', () => {})
  server.signal('SIGINT')
  await server.until('stopping')
  server.signal('SIGINT')
  assert.equal(await server.ended, 130)
})

test('a port that is taken, and a configuration with faults, are told before anything runs', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as AddressInfo
  const { file } = configuration()
  writeFileSync(file, `data = "taken"\n[[listener]]\nservice = "smtp"\naddress = "127.0.0.1:${port}"\n`)
  const ran = await pennypost(['serve', '--config', file])
  taken.close()
  assert.equal(ran.status, 1)
  assert.match(
    ran.err,
    new RegExp(
      `^127\\.0\\.0\\.1:${port} is already in use by another program: stop that program, or change the listener's address`,
      'm',
    ),
  )
  writeFileSync(file, '[[listener]]\nservice = "managesieve"\n')
  const wrong = await pennypost(['serve', '--config', file])
  assert.equal(wrong.status, 1)
  assert.match(wrong.err, /:2: The service "managesieve" is not available yet\. Remove this listener/)
})

test("another host's notice is part of the story of the message that it is about", async (t) => {
  const { file } = configuration()
  const server = await running(t, file)
  await send(server, 'admin@pennypost.localhost')
  const returned = [
    'From: MAILER-DAEMON@far.example',
    'Subject: Undelivered',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    '',
    'Sorry.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.far.example',
    '',
    'Final-Recipient: rfc822; bob@far.example',
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 nobody here',
    '',
    '--b',
    'Content-Type: text/rfc822-headers',
    '',
    'Message-ID: <story.1@there.example>',
    '',
    '--b--',
    '.',
    '',
  ].join('\r\n')
  const socket = connect(server.port('smtp'), '127.0.0.1')
  await dialogue(socket, [
    ['', /^220 .*\r\n/],
    ['EHLO mx.far.example\r\n', /^250 .*\r\n/m],
    ['MAIL FROM:<>\r\n', /^250 .*\r\n/m],
    ['RCPT TO:<admin@pennypost.localhost>\r\n', /^250 .*\r\n/m],
    ['DATA\r\n', /^354 .*\r\n/m],
    [returned, /^250 .*\r\n/m],
    ['QUIT\r\n', /^221 .*\r\n/m],
  ])
  socket.destroy()
  const { out } = await pennypost(['trace', 'eve@there.example', '--config', file])
  assert.match(
    out,
    /^Message (\w+)\n[\s\S]*a DSN from another host came, message (?!\1)\w+\n[\s\S]*by: mx\.far\.example\n {4}told: bob@far\.example: failed 5\.1\.1: 550 5\.1\.1 nobody here\n/,
  )
})
