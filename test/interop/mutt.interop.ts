/** mutt and neomutt: alice sends by SMTP; bob opens, tags, flags, saves and deletes by IMAP, and takes his mail by POP3. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { attachment, fill, mails, unixText } from './mails.ts'
import { alice, bob, read, run, withCertified, without } from './programs.ts'

function subjects(messages: string[]): string[] {
  return messages.map((text) => /^Subject: (.*)\r$/m.exec(text)![1]!)
}

for (const program of ['mutt', 'neomutt']) {
  const skip = without(program)

  test(`${program} sends and reads`, { skip }, async () => {
    await withCertified(async (real, folder, ca) => {
      const env = { HOME: folder, TERM: 'xterm', LC_ALL: 'C.UTF-8' }
      const rc = (name: string, lines: string[]): string => {
        const path = join(folder, name)
        // It would ask a person about a certificate that it does not know: the authority is given as known.
        const trust = `set certificate_file=${ca}`
        writeFileSync(path, [...lines, trust].join('\n') + '\n')
        return path
      }
      /** It wants a terminal: script gives it one. */
      const interactive = async (config: string): Promise<void> => {
        const { code, out } = await run('script', ['-qec', `${program} -F ${config}`, '/dev/null'], { env })
        assert.equal(code, 0, out.slice(-2000))
      }

      const file = join(folder, 'größe.bin')
      writeFileSync(file, attachment)
      for (const [subject, url] of [
        ['eins', `smtps://alice%40a.example@localhost:${real.port('submissions')}/`],
        ['zwei', `smtp://alice%40a.example@localhost:${real.port('submission')}/`],
        ['drei Grüße', `smtp://alice%40a.example@localhost:${real.port('submission')}/`],
      ] as const) {
        const send = rc('send', [
          `set from="${alice}" realname="Alice" use_from=yes copy=no send_charset=utf-8`,
          `set smtp_url="${url}" smtp_pass="${password}" ssl_force_tls=yes`,
        ])
        const { code, err, out } = await run(program, ['-F', send, '-s', subject, '-a', file, '--', bob], {
          input: `Grüße, ${subject}\n`,
          env,
        })
        assert.equal(code, 0, `${out}\n${err}`)
      }
      const arrived = await read(real, bob)
      assert.deepEqual(subjects(arrived), [
        'eins',
        'zwei',
        `drei =?utf-8?B?${Buffer.from('Grüße').toString('base64')}?=`,
      ])
      for (const text of arrived) {
        const encoded = /filename[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(text)![1]!
        assert.deepEqual(Buffer.from(encoded, 'base64'), attachment)
        assert.ok(text.includes(Buffer.from('\r\n\r\nGrüße, ').toString('latin1')))
      }
      await interactive(
        rc('read', [
          `set folder="imaps://localhost:${real.port('imaps')}/" spoolfile="imaps://localhost:${real.port('imaps')}/INBOX"`,
          `set imap_user="${bob}" imap_pass="${password}" delete=yes quit=yes confirmappend=no confirmcreate=no`,
          'set wait_key=no beep=no mark_old=no move=no sleep_time=0',
          // Save one, delete one, flag one, and go.
          `push "<tag-pattern>~s eins<enter><tag-prefix><save-message>=Work<enter><delete-pattern>~s zwei<enter><limit>~s drei<enter><flag-message><sync-mailbox><quit>"`,
        ]),
      )
      assert.equal((await read(real, bob)).length, 1)
      assert.deepEqual(await read(real, bob), arrived.slice(2))
      assert.deepEqual(await read(real, bob, 'Work'), arrived.slice(0, 1))
      const imap = await real.imap(bob, 'INBOX')
      const { data } = await imap.command('SEARCH FLAGGED')
      assert.deepEqual(data.find(({ name }) => name === 'SEARCH')!.values.map(Number), [1])
      await imap.logout()

      // POP3: all into a Maildir here, and gone there.
      await fill(real, alice)
      const maildir = join(folder, 'saved')
      await interactive(
        rc('pop', [
          `set folder="${folder}" spoolfile="pops://localhost:${real.port('pop3s')}/" mbox_type=Maildir`,
          `set pop_user="${alice}" pop_pass="${password}" delete=yes quit=yes confirmappend=no confirmcreate=no`,
          'set wait_key=no beep=no mark_old=no move=no sleep_time=0',
          `push "<tag-pattern>~A<enter><tag-prefix><save-message>${maildir}<enter><sync-mailbox><quit>"`,
        ]),
      )
      assert.deepEqual(await read(real, alice), [])
      const saved = ['cur', 'new'].flatMap((part) =>
        readdirSync(join(maildir, part)).map((name) => readFileSync(join(maildir, part, name), 'latin1')),
      )
      // It notes in the header what it knows: size and state.
      const plain = saved.map((text) => text.replace(/^(?:Content-Length|Lines|Status|X-Status): .*\n/gm, ''))
      assert.deepEqual(plain.sort(), mails.map(unixText).sort())
    })
  })
}
