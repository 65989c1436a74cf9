/** Mail of local users, by the traditional commands: through a running server, and while it is down. */
import assert from 'node:assert/strict'
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dialogue } from './dialogue.ts'
import { pennypost, programFile, removeFolder, run, serve, temporaryFolder, type Ran } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

const file = join(base, 'pennypost.toml')
writeFileSync(
  file,
  `data = "data"
hostname = "mail.example.org"
domains = ["example.org"]
[dns]
lookups = false
[[listener]]
service = "smtp"
address = "127.0.0.1:0"
[[listener]]
service = "imap"
address = "127.0.0.1:0"
plaintextAuth = true
`,
)

const environment = { PENNYPOST_CONFIG: file }

/** By one of its own names, as a link in /usr/sbin is. */
async function called(name: string, args: readonly string[], input = ''): Promise<Ran> {
  const link = join(base, name)
  const target = await programFile()
  try {
    symlinkSync(target, link)
    chmodSync(target, 0o755)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
  return run(link, args, { input, environment })
}

test('sendmail, mailq and newaliases do what cron, PHP and mutt expect', async (t) => {
  await pennypost(['domain', 'add', 'example.org', '--config', file])
  const account = ['account', 'add', 'alice@example.org', '--password-stdin', '--config', file]
  assert.equal((await pennypost(account, { input: 'correct horse\n' })).status, 0)
  assert.equal((await pennypost(['alias', 'add', 'root@example.org', 'alice@example.org', '--config', file])).status, 0)

  // Nobody runs: it is filed all the same, since the folder is ours to open.
  const down = await called('sendmail', ['-t', '-i'], 'To: alice\nSubject: while down\n\nx\n')
  assert.deepEqual([down.status, down.err], [0, ''])

  const server = await serve(['--config', file], 2)
  t.after(() => {
    server.signal('SIGKILL')
    return server.ended
  })
  const cron = await called(
    'sendmail',
    ['-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root'],
    'From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> true\n\n.\nGrüße\n',
  )
  assert.deepEqual([cron.status, cron.out, cron.err], [0, '', ''])
  const php = await called(
    'sendmail',
    ['-t', '-i', '-fwww@example.org'],
    'To: alice@example.org\r\nSubject: form\r\n\r\nhi',
  )
  assert.equal(php.status, 0)
  const smtp = await called(
    'sendmail',
    ['-bs'],
    'EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\nSubject: bs\r\n\r\nx\r\n.\r\nQUIT\r\n',
  )
  assert.match(smtp.out, /^220 .*\r\n(?:250.*\r\n)+354 .*\r\n250 .*\r\n221 .*\r\n$/)

  const imap = connect(server.port('imap'), '127.0.0.1')
  await dialogue(imap, [
    ['', /^\* OK .*\r\n/],
    ['a LOGIN alice@example.org "correct horse"\r\n', /^a OK .*\r\n/m],
    ['b SELECT INBOX\r\n', /^\* 4 EXISTS\r\n[^]*^b OK .*\r\n/m],
    [
      'c FETCH 1:4 BODY.PEEK[HEADER.FIELDS (Subject From Message-ID)]\r\n',
      /Subject: while down[^]*Message-ID: <[^]*From: Cron Daemon <root@example\.org>\r\nSubject: Cron[^]*From: www@example\.org[^]*Subject: bs[^]*^c OK/m,
    ],
    ['d FETCH 2 BODY.PEEK[TEXT]\r\n', /\{12\}\r\n\.\r\nGr[^]{4}e\r\n\)/],
  ])
  imap.destroy()

  const unknown = await called('sendmail', ['nobody@example.org', 'alice'], 'Subject: x\n\nx\n')
  assert.equal(unknown.status, 69)
  assert.match(unknown.err, /<nobody@example\.org>: 550/)
  assert.equal((await called('sendmail', ['-i'], 'x')).status, 64)
  assert.equal((await called('sendmail', ['a b'], 'x')).status, 65)

  const empty = await called('mailq', [])
  assert.deepEqual([empty.status, empty.out], [0, 'Mail queue is empty\n'])
})

test('where nobody takes mail, sendmail says so and asks to be tried again', async () => {
  const nowhere = join(base, 'nowhere.toml')
  writeFileSync(nowhere, 'data = "/dev/null/nowhere"\ndomains = ["example.org"]\n')
  const { status, err } = await pennypost(['sendmail', '-i', 'a@example.org'], {
    input: 'Subject: x\n\nx\n',
    environment: { PENNYPOST_CONFIG: nowhere },
  })
  assert.equal(status, 75)
  assert.match(err, /no server listens on/)
})
