import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runCli } from './cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'pennypost-sieve-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function run(...words: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const status = await runCli(['sieve', ...words], {
    isPerson: false,
    out: (text) => void (out += text),
    note: (text) => void (err += text),
    readSecret: async () => undefined,
    readLine: async () => '',
    environment: {},
    onSignal: () => () => {},
    exit: () => {},
  })
  return { status, out: out.replaceAll(folder, ''), err: err.replaceAll(folder, '') }
}

const right = file(
  'right.sieve',
  'require ["fileinto", "mailbox"];\nif header :contains "Subject" "lunch" { fileinto :create "Food"; }\n',
)
const wrong = file('wrong.sieve', 'if header "Subject" "x" { kep; }\nfileinto "a";\n')
const mail = file('mail.eml', 'From: bob@example.net\r\nSubject: lunch?\r\n\r\nHello\r\n')

test('check says that a script is right, and what it requires', async () => {
  assert.deepEqual(await run('check', right), {
    status: 0,
    out: '/right.sieve is right; it requires fileinto, mailbox.\n',
    err: '',
  })
  assert.deepEqual(await run('check', right, '--json'), { status: 0, out: '{\n "faults": []\n}\n', err: '' })
})

test('check tells all faults, where an editor can jump to', async () => {
  assert.deepEqual(await run('check', wrong), {
    status: 1,
    out: '',
    err:
      '/wrong.sieve:1:27: there is no command "kep"; did you mean "keep"?\n' +
      '/wrong.sieve:2:1: "fileinto" cannot be used without its extension; add: require "fileinto";\n' +
      '2 faults.\n',
  })
  const { status, out } = await run('check', wrong, '--json')
  assert.equal(status, 1)
  assert.deepEqual((JSON.parse(out) as { faults: object[] }).faults[0], {
    line: 1,
    column: 27,
    problem: 'there is no command "kep"',
    hint: 'did you mean "keep"?',
  })
})

test('test prints what would be done', async () => {
  assert.deepEqual(await run('test', right, mail), {
    status: 0,
    out: 'file into Food, creating it (line 2)\n',
    err: '',
  })
  const { out } = await run('test', right, mail, '--json')
  const { kind, actions } = JSON.parse(out) as { kind: string; actions: { kind: string; mailbox: string }[] }
  assert.deepEqual([kind, actions[0]!.kind, actions[0]!.mailbox], ['done', 'fileinto', 'Food'])
})

test('test explains each step, and knows the envelope and the mailboxes that it is given', async () => {
  const script = file(
    'envelope.sieve',
    'require ["envelope", "mailbox"];\nif allof (envelope "from" "bob@example.net", envelope :domain "to" "example.org", mailboxexists ["Food", "INBOX"]) { discard; }\n',
  )
  const { status, out } = await run(
    'test',
    script,
    mail,
    '--from',
    'bob@example.net',
    '--to',
    'a@example.org',
    '--mailbox',
    'Food',
    '--explain',
  )
  assert.equal(status, 0)
  assert.equal(
    out,
    'line 2: envelope holds: the envelope is "bob@example.net", which is "bob@example.net"\n' +
      'line 2: envelope holds: the envelope is "example.org", which is "example.org"\n' +
      'line 2: mailboxexists holds\n' +
      'line 2: allof holds\n' +
      'line 2: discard\n' +
      'discard (line 2)\n',
  )
  assert.equal((await run('test', script, mail)).out, 'keep in INBOX\n')
})

test('test ends with 1 where the script fails, 2 where it was called wrongly', async () => {
  const failing = file('failing.sieve', 'require "ihave";\nerror "Oh no";\n')
  assert.deepEqual(await run('test', failing, mail), {
    status: 1,
    out: 'keep in INBOX\n',
    err: '/failing.sieve:2: Oh no. The message is kept.\n',
  })
  assert.equal((await run('test', wrong, mail)).status, 1)
  assert.deepEqual(await run('test', right, join(folder, 'none')), {
    status: 1,
    out: '',
    err: 'There is no file /none.\n',
  })
  assert.equal((await run('test', right, mail, '--from', 'nobody')).status, 2)
  assert.equal((await run('test', right)).status, 2)
  const latin1 = join(folder, 'latin1.sieve')
  writeFileSync(latin1, Buffer.from('# caf\xe9\n', 'latin1'))
  assert.deepEqual(await run('check', latin1), { status: 1, out: '', err: '/latin1.sieve is not UTF-8 text.\n' })
})

test('each kind of action has its words', async () => {
  const script = file(
    'all.sieve',
    `require ["copy", "editheader", "enotify", "fileinto", "imap4flags", "special-use", "vacation"];
addheader "X-A" "b";
fileinto :copy :specialuse "\\\\Junk" :flags "x" "Spam";
redirect :copy "bob@example.net";
notify :message "Mail" "mailto:bob@example.net";
vacation "Back on Monday";
`,
  )
  assert.equal(
    (await run('test', script, mail)).out,
    'file into Spam, with x, or into the mailbox for \\Junk, as a copy, with a changed header (line 3)\n' +
      'redirect to bob@example.net, as a copy, with a changed header (line 4)\n' +
      'notify mailto:bob@example.net: Mail (line 5)\n' +
      'answer, once in 604800 seconds: Back on Monday (line 6)\n' +
      'keep in INBOX, with a changed header\n',
  )
  const refusing = file('reject.sieve', 'require "reject";\nreject "No.";\n')
  assert.equal((await run('test', refusing, mail)).out, 'reject: No. (line 2)\n')
})
