/** `pennypost send`: composed, sent through our own server and through another, and read back. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dialogue } from './dialogue.ts'
import { pennypost, removeFolder, serve, temporaryFolder } from './program.ts'

const base = temporaryFolder()
after(() => removeFolder(base))

const file = join(base, 'pennypost.toml')
writeFileSync(
  file,
  `data = "data"
domains = ["example.org"]
[[listener]]
service = "submission"
address = "127.0.0.1:0"
[[listener]]
service = "imap"
address = "127.0.0.1:0"
plaintextAuth = true
`,
)
const place = ['--config', file]
const letter = ['--from', 'Älice <alice@example.org>', '--to', 'Bob <bob@example.org>', '--subject', 'Grüße']

test('a message with text, HTML, a picture and a file, through our own server and through a submission server', async (t) => {
  await pennypost(['domain', 'add', 'example.org', ...place])
  for (const name of ['alice', 'bob'])
    await pennypost(['account', 'add', `${name}@example.org`, '--password-stdin', ...place], {
      input: 'correct horse\n',
    })
  writeFileSync(join(base, 'logo.png'), Buffer.from([137, 80, 78, 71]))
  writeFileSync(join(base, 'Übersicht.pdf'), '%PDF')
  const server = await serve(place, 2)
  t.after(() => {
    server.signal('SIGKILL')
    return server.ended
  })
  const files = [
    '--html',
    '<p>Hi <img src="cid:logo.png">',
    '--inline',
    join(base, 'logo.png'),
    '--attach',
    join(base, 'Übersicht.pdf'),
  ]
  const own = await pennypost(['send', ...letter, '--text', 'Hällo', ...files, '--header', 'X-Mood: good', ...place])
  assert.deepEqual([own.status, own.err], [0, ''])
  assert.match(own.out, /^Accepted: 250 .* \(Message-ID <\w+@localhost>\)\n$/)

  const there = [
    '--server',
    `127.0.0.1:${server.port('submission')}`,
    '--user',
    'alice@example.org',
    '--password-stdin',
  ]
  const input = 'correct horse\n'
  const wrong = await pennypost(['send', ...letter, '--text', 'x', ...there, ...place], { input })
  assert.equal(wrong.status, 1)
  assert.match(wrong.err, /^Temporary failure: the TLS handshake failed: the certificate of 127\.0\.0\.1 does not fit/)
  const other = await pennypost(['send', ...letter, '--text', 'second', ...there, '--insecure', '--json', ...place], {
    input,
  })
  assert.deepEqual([other.status, other.err], [0, ''])
  assert.equal((JSON.parse(other.out) as { kind: string }).kind, 'taken')

  const imap = connect(server.port('imap'), '127.0.0.1')
  await dialogue(imap, [
    ['', /^\* OK .*\r\n/],
    ['a LOGIN bob@example.org "correct horse"\r\n', /^a OK .*\r\n/m],
    ['b SELECT INBOX\r\n', /^\* 2 EXISTS\r\n[^]*^b OK .*\r\n/m],
    [
      'c FETCH 1 (ENVELOPE BODY)\r\n',
      /"=\?utf-8\?q\?Gr=C3=BC=C3=9Fe\?=" \(\("=\?utf-8\?q\?=C3=84lice\?=" NIL "alice" "example.org"\)\)[^]*"ALTERNATIVE"\)[^]*"MIXED"\)\)\r\nc OK/i,
    ],
    ['d FETCH 1 BODY[HEADER.FIELDS (X-Mood)]\r\n', /X-Mood: good\r\n/],
  ])
  imap.destroy()
})

test('what cannot be sent is told, with what to do', async () => {
  assert.equal((await pennypost(['send', '--to', 'bob@example.org', ...place])).status, 2)
  const nowhere = await pennypost(['send', ...letter, '--text', 'x', '--to', 'nobody', ...place])
  assert.deepEqual(
    [nowhere.status, nowhere.err],
    [2, '"nobody" is not a mail address: write it as user@example.org.\n'],
  )
  const missing = await pennypost(['send', ...letter, '--text', 'x', '--attach', '/nowhere/x', ...place])
  assert.deepEqual([missing.status, missing.err], [1, 'File not found: /nowhere/x.\n'])
  const silent = ['--server', '127.0.0.1:1', '--user', 'alice@example.org']
  const unasked = await pennypost(['send', ...letter, '--text', 'x', ...silent, ...place])
  assert.equal(unasked.status, 2)
  assert.match(unasked.err, /--password-stdin or --password-file/)
  const printed = await pennypost(['send', ...letter, '--print', ...place], { input: 'from a pipe\n' })
  assert.match(printed.out, /^From: =\?utf-8\?q\?=C3=84lice\?= <alice@example\.org>\r\n[^]*\r\n\r\nfrom a pipe\r\n$/m)
})
