/** mbsync keeps a Maildir and a mailbox alike, both ways: messages, flags, deletions. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesOfText } from '../stories/world.ts'
import { password } from '../stories/real.ts'
import { bob, read, run, without, withSystem } from './programs.ts'

const skip = without('mbsync')

test('mbsync both ways', { skip }, async () => {
  await withSystem(
    async (real, folder) => {
      const maildir = join(folder, 'mail')
      mkdirSync(maildir)
      const config = join(folder, 'mbsyncrc')
      writeFileSync(
        config,
        `IMAPAccount p
Host 127.0.0.1
Port ${real.port('imap')}
User ${bob}
Pass "${password}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account p

MaildirStore near
Path ${maildir}/
Inbox ${maildir}/INBOX
SubFolders Verbatim

Channel c
Far :far:
Near :near:
Patterns INBOX Work
Create Both
Expunge Both
SyncState *
`,
        { mode: 0o600 },
      )
      const sync = async (): Promise<void> => {
        const { code, out, err } = await run('mbsync', ['-c', config, '-a'])
        assert.equal(code, 0, `${out}\n${err}`)
      }
      const near = (): string[] =>
        ['cur', 'new'].flatMap((part) =>
          readdirSync(join(maildir, 'INBOX', part)).map((name) => join(maildir, 'INBOX', part, name)),
        )
      const smtp = await real.smtp('smtp')
      for (let i = 0; i < 5; i++)
        await smtp.send(
          { reversePath: 'x@y.example', recipients: [bob], body: '7bit', smtpUtf8: false },
          bytesOfText(`Subject: ${i}\n\n${i}\n`),
        )
      await smtp.quit()
      const imap = await real.imap(bob, 'INBOX')
      await imap.command('STORE 1 +FLAGS (\\Seen)')
      await imap.command('CREATE Work')
      await imap.append('Work', Buffer.from('Subject: work\r\n\r\n'))
      await sync()
      assert.equal(near().length, 5)
      assert.equal(near().filter((name) => /:2,.*S/.test(name)).length, 1)
      assert.equal(
        readdirSync(join(maildir, 'Work', 'cur')).length + readdirSync(join(maildir, 'Work', 'new')).length,
        1,
      )

      // Here: one deleted, one flagged, one new. There: one expunged, one answered.
      const of = (subject: string): string =>
        near().find((name) => readFileSync(name, 'latin1').includes(`Subject: ${subject}\n`))!
      rmSync(of('0'))
      const flagged = of('1')
      const base = flagged.slice(flagged.lastIndexOf('/') + 1).replace(/:2,.*$/, '')
      renameSync(flagged, join(maildir, 'INBOX', 'cur', `${base}:2,FS`))
      writeFileSync(join(maildir, 'INBOX', 'cur', '1700000000.local:2,S'), 'Subject: from here\n\nhello\n')
      await imap.command('STORE 3 +FLAGS (\\Deleted)')
      await imap.command('EXPUNGE')
      await imap.command('STORE 3 +FLAGS (\\Answered)')
      await sync()
      const subjects = (await read(real, bob)).map((text) => /^Subject: (.*)\r$/m.exec(text)![1])
      assert.deepEqual(subjects, ['1', '3', '4', 'from here'])
      const flags = await imap.command('UID SEARCH FLAGGED SEEN')
      assert.equal(flags.data.find(({ name }) => name === 'SEARCH')!.values.length, 1)
      assert.equal(near().length, 4)
      assert.match(of('3'), /:2,.*R/)
      await sync()
      assert.equal((await read(real, bob)).length, 4)
      await imap.logout()
    },
    { plaintextAuth: true },
  )
})
