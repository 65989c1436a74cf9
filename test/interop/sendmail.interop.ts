/** Programs that hand mail to `sendmail`: PHP's mail(), mutt, s-nail, and a job's output as cron hands it over. */
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bytesOfText } from '../stories/world.ts'
import { pennypost, programFile, removeFolder, serve, temporaryFolder, type Server } from '../stories/program.ts'
import { attachment } from './mails.ts'
import { run, without } from './programs.ts'

const base = temporaryFolder()
const config = join(base, 'pennypost.toml')
const sendmail = join(base, 'sendmail')
const to = 'alice@example.org'
const password = 'correct horse'
let server: Server | undefined

before(async () => {
  writeFileSync(
    config,
    `data = "data"
hostname = "mail.example.org"
domains = ["example.org"]
[dns]
lookups = false
[[listener]]
service = "imap"
address = "127.0.0.1:0"
plaintextAuth = true
`,
  )
  assert.equal((await pennypost(['domain', 'add', 'example.org', '--config', config])).status, 0)
  const add = ['account', 'add', to, '--password-stdin', '--config', config]
  assert.equal((await pennypost(add, { input: `${password}\n` })).status, 0)
  assert.equal((await pennypost(['alias', 'add', 'root@example.org', to, '--config', config])).status, 0)
  // The installed program begins with the name of its interpreter; this bundle does not.
  mkdirSync(join(base, 'links'))
  const link = join(base, 'links', 'sendmail')
  symlinkSync(await programFile(), link)
  writeFileSync(sendmail, `#!/bin/sh\nexec '${process.execPath}' '${link}' "$@"\n`, { mode: 0o755 })
  server = await serve(['--config', config], 1)
})
after(async () => {
  server?.signal('SIGTERM')
  await server?.ended
  removeFolder(base)
})

const env = { PENNYPOST_CONFIG: config, HOME: base, LC_ALL: 'C.UTF-8', TERM: 'xterm' }

/** The newest message of alice, by curl. */
async function newest(): Promise<string> {
  const url = `imap://127.0.0.1:${server!.port('imap')}/INBOX;MAILINDEX=*`
  const { code, out, err } = await run('curl', ['-sS', '-u', `${to}:${password}`, url])
  assert.equal(code, 0, err)
  return out
}

test(
  'mail() of PHP: a subject in UTF-8, fields of one’s own, an envelope sender, many lines',
  { skip: without('php') },
  async () => {
    const script = join(base, 'form.php')
    writeFileSync(
      script,
      `<?php
$headers = ["From" => "Formular <www@example.org>", "Content-Type" => "text/plain; charset=utf-8", "X-Form" => "contact"];
$ok = mail("${to}", "=?UTF-8?B?" . base64_encode("Grüße vom Formular") . "?=", "Zeile 1: für dich\\r\\n.\\r\\nZeile 3\\r\\n" . str_repeat("x\\r\\n", 5000), $headers, "-f bounce@example.org");
exit($ok ? 0 : 1);
`,
    )
    const { code, out, err } = await run('php', ['-d', `sendmail_path=${sendmail} -t -i`, script], { env })
    assert.deepEqual([code, out, err], [0, '', ''])
    const mail = await newest()
    assert.match(mail, /^Return-Path: <bounce@example\.org>\r\n/)
    assert.match(mail, /^From: Formular <www@example\.org>\r\n/m)
    assert.match(mail, /^X-Form: contact\r\n/m)
    const subject = /^Subject: =\?UTF-8\?B\?(.*)\?=\r$/m.exec(mail)![1]!
    assert.equal(Buffer.from(subject, 'base64').toString(), 'Grüße vom Formular')
    const body = Buffer.from(mail.slice(mail.indexOf('\r\n\r\n') + 4), 'latin1').toString()
    // PHP ends each message with one more line end.
    assert.ok(body === `Zeile 1: für dich\r\n.\r\nZeile 3\r\n${'x\r\n'.repeat(5000)}\r\n`)

    writeFileSync(script, `<?php exit(mail("nobody@example.org", "x", "x") ? 0 : 1);\n`)
    const refused = await run('php', ['-d', `sendmail_path=${sendmail} -t -i`, script], { env })
    assert.equal(refused.code, 1)
  },
)

test('cron: the output of a job to the user whose job it is', async () => {
  // Debian's cron runs: /usr/sbin/sendmail -FCronDaemon -i -B8BITMIME -oem USER, and writes this header.
  const header = `From: root (Cron Daemon)
To: root
Subject: Cron <root@host> df | grep -c größe
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
X-Cron-Env: <SHELL=/bin/sh>
X-Cron-Env: <LOGNAME=root>

`
  const output = 'Größe\n.\n..\nFrom the job\n'
  const { code, out, err } = await run(sendmail, ['-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root'], {
    input: header + output,
    env,
  })
  assert.deepEqual([code, out, err], [0, '', ''])
  const mail = Buffer.from(await newest(), 'latin1').toString()
  assert.ok(mail.endsWith(`\r\n\r\n${output.replaceAll('\n', '\r\n')}`))
  assert.match(mail, /^X-Cron-Env: <LOGNAME=root>\r\n/m)
})

for (const program of ['mutt', 'neomutt'] as const) {
  test(
    `${program} through sendmail: an attachment, a subject in UTF-8, a blind copy`,
    { skip: without(program) },
    async () => {
      const file = join(base, 'größe.bin')
      writeFileSync(file, attachment)
      const rc = join(base, 'muttrc')
      writeFileSync(
        rc,
        `set sendmail="${sendmail} -oem -oi" use_envelope_from=yes envelope_from_address="${to}" from="${to}" realname="Älice" copy=no send_charset=utf-8\n`,
      )
      const args = ['-F', rc, '-s', `Grüße von ${program}`, '-b', 'root@example.org', '-a', file, '--', to]
      const { code, out, err } = await run(program, args, { input: 'Blumen für dich\n.\n', env })
      assert.equal(code, 0, `${out}\n${err}`)
      const mail = await newest()
      assert.doesNotMatch(mail, /^Bcc:/im)
      const encoded = /filename[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(mail)![1]!
      assert.deepEqual(Buffer.from(encoded, 'base64'), attachment)
      const text = bytesOfText('Blumen für dich\n.\n')
      assert.ok(mail.includes(Buffer.from(await text.read(0, text.sizeBytes)).toString('latin1')))
    },
  )
}

test('s-nail through sendmail', { skip: without('s-nail') }, async () => {
  const args = ['-n', '-S', `mta=${sendmail}`, '-S', `from=${to}`, '-s', 'Grüße', to]
  const { code, err } = await run('s-nail', args, { input: 'Blumen\n.dot\n', env: { ...env, MAILRC: '/dev/null' } })
  assert.equal(code, 0, err)
  const mail = await newest()
  assert.match(mail, /^Subject: =\?[Uu][Tt][Ff]-8\?/m)
  assert.ok(mail.endsWith('\r\n\r\nBlumen\r\n.dot\r\n'))
})
