import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSendmailArguments, SendmailUsage } from './arguments.ts'
import { localMessage, NoAddress, type LocalWishes } from './message.ts'

const wishes: LocalWishes = {
  sender: 'root@example.org',
  fullName: undefined,
  origin: 'example.org',
  ignoreDots: true,
  fromHeader: false,
  recipients: ['alice'],
}

function made(text: string, more: Partial<LocalWishes> = {}): { text: string; recipients: readonly string[] } {
  const { bytes, recipients } = localMessage(Buffer.from(text), { ...wishes, ...more })
  return { text: Buffer.from(bytes).toString(), recipients }
}

test("cron's message: line ends mended, addresses completed, nothing else touched", () => {
  const cron =
    'From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> date\nX-Cron-Env: <SHELL=/bin/sh>\n\nSun Nov 22\n'
  assert.deepEqual(made(cron, { fromHeader: true, recipients: [] }), {
    text: 'From: Cron Daemon <root@example.org>\r\nTo: root@example.org\r\nSubject: Cron <root@host> date\r\nX-Cron-Env: <SHELL=/bin/sh>\r\n\r\nSun Nov 22\r\n',
    recipients: ['root@example.org'],
  })
})

test('the first line that is no field begins the body, and no text is lost', () => {
  for (const [given, kept] of [
    [
      'Subject: x\ndisk is 97% full\nsecond: line\n\nlast\n',
      'Subject: x\r\n\r\ndisk is 97% full\r\nsecond: line\r\n\r\nlast\r\n',
    ],
    ['Subject: x\n folded\n\tmore\n\nlast\n', 'Subject: x\r\n folded\r\n\tmore\r\n\r\nlast\r\n'],
    ['Subject: x\nlast\n', 'Subject: x\r\n\r\nlast\r\n'],
  ])
    assert.ok(made(given!, { fromHeader: false }).text.endsWith(kept!), JSON.stringify(made(given!).text))
})

test('a message that is a header alone stays one, with its blank line or without', () => {
  const header = 'From: root@example.org\r\nTo: alice@example.org\r\nSubject: x\r\n'
  assert.equal(made(header).text, header)
  assert.equal(made(`${header}\r\n`).text, `${header}\r\n`)
  assert.equal(made(`${header}\r\n\r\n`).text, `${header}\r\n\r\n`)
})

test('-t takes To, Cc and Bcc, each once, and hides Bcc', () => {
  const text =
    'From: a@example.org\nTo: "B, B" <b@example.net>, c\nCc: friends: d@example.net;\nBcc: e@example.net,\n b@example.net\n\nx\n'
  assert.deepEqual(made(text, { fromHeader: true, recipients: ['f@example.net'] }), {
    text: 'From: a@example.org\r\nTo: "B, B" <b@example.net>, c@example.org\r\nCc: friends: d@example.net;\r\n\r\nx\r\n',
    recipients: ['f@example.net', 'b@example.net', 'c@example.org', 'd@example.net', 'e@example.net'],
  })
})

test('a text without a header becomes a message of its own', () => {
  assert.deepEqual(made('hello\nworld', { fullName: 'Römer' }), {
    text: 'From: =?utf-8?q?R=C3=B6mer?= <root@example.org>\r\nTo: undisclosed-recipients:;\r\n\r\nhello\r\nworld\r\n',
    recipients: ['alice@example.org'],
  })
  assert.match(made('').text, /^From: root@example\.org\r\nTo: undisclosed-recipients:;\r\n/)
})

test('without -i a dot alone ends the message; with it every dot stays', () => {
  assert.match(made('Subject: x\nTo: b\n\na\n.\nb\n', { ignoreDots: false }).text, /\r\n\r\na\r\n$/)
  assert.match(made('Subject: x\nTo: b\n\n..a\n.\nb\n').text, /\r\n\r\n\.\.a\r\n\.\r\nb\r\n$/)
})

test('an address that is none is refused', () => {
  assert.throws(() => made('x', { recipients: ['a b'] }), NoAddress)
})

test('the options as programs give them', () => {
  const cron = parseSendmailArguments('sendmail', ['-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root'])
  assert.deepEqual(
    [cron.fullName, cron.ignoreDots, cron.body, cron.recipients],
    ['CronDaemon', true, '8bitmime', ['root']],
  )
  const php = parseSendmailArguments('sendmail', ['-t', '-i', '-f', 'www@example.org'])
  assert.deepEqual([php.fromHeader, php.ignoreDots, php.sender, php.recipients], [true, true, 'www@example.org', []])
  const mutt = parseSendmailArguments('sendmail', [
    '-oem',
    '-oi',
    '-N',
    'failure,delay',
    '-R',
    'hdrs',
    '--',
    '-odd@x',
    'b,c',
  ])
  assert.deepEqual([mutt.notify, mutt.ret, mutt.recipients], [['failure', 'delay'], 'hdrs', ['-odd@x', 'b', 'c']])
  assert.equal(parseSendmailArguments('sendmail', ['-f', '<>', 'x']).sender, '')
  assert.equal(parseSendmailArguments('sendmail', ['-ti']).ignoreDots, true)
  assert.equal(parseSendmailArguments('mailq', []).mode, 'queue')
  assert.equal(parseSendmailArguments('newaliases', []).mode, 'aliases')
  assert.equal(parseSendmailArguments('sendmail', ['-bs']).mode, 'smtp')
  assert.equal(parseSendmailArguments('sendmail', ['-q30m']).mode, 'flush')
  for (const wrong of [['-bz'], ['-N', 'often'], ['-f'], ['-Z'], ['-B', '9bit'], ['-bd']])
    assert.throws(() => parseSendmailArguments('sendmail', wrong), SendmailUsage)
})
