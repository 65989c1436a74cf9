/** offlineimap3 keeps folders of a Maildir and of an account alike, both ways: messages, flags, deletions, folders. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { fill, mails, unixText } from './mails.ts'
import { bob, read, run, withCertified, without } from './programs.ts'

test('offlineimap3 both ways', { skip: without('offlineimap') }, async () => {
  await withCertified(async (real, folder, ca) => {
    const maildir = join(folder, 'mail')
    const config = join(folder, 'offlineimaprc')
    writeFileSync(
      config,
      `[general]
accounts = p
metadata = ${folder}/metadata
ui = basic
[Account p]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = ${maildir}
[Repository far]
type = IMAP
remotehost = localhost
remoteport = ${real.port('imaps')}
ssl = yes
sslcacertfile = ${ca}
remoteuser = ${bob}
remotepass = ${password}
`,
    )
    const sync = async (): Promise<void> => {
      const { code, out, err } = await run('offlineimap', ['-o', '-c', config], { env: { HOME: folder } })
      assert.equal(code, 0, `${out}\n${err}`)
    }
    const near = (mailbox: string): string[] =>
      ['cur', 'new'].flatMap((part) =>
        readdirSync(join(maildir, mailbox, part)).map((name) => join(maildir, mailbox, part, name)),
      )
    const texts = (mailbox: string): string[] => near(mailbox).map((path) => readFileSync(path, 'latin1'))
    const of = (mailbox: string, subject: string): string =>
      near(mailbox).find((path) => readFileSync(path, 'latin1').includes(`Subject: ${subject}\n`))!

    await fill(real, bob)
    const imap = await real.imap(bob)
    await imap.command('CREATE "R&AOQ-ume/B&APw-ro"')
    await imap.append('Räume/Büro', Buffer.from('Subject: office\r\n\r\n'))
    await imap.select('INBOX')
    await imap.command('STORE 1 +FLAGS (\\Seen)')
    await sync()
    assert.deepEqual(texts('INBOX').sort(), mails.map(unixText).sort())
    assert.match(of('INBOX', 'plain'), /:2,S$/)
    assert.equal(near('R&AOQ-ume.B&APw-ro').length, 1)

    // Here: one deleted, one flagged, one new, a new folder. There: one expunged, one answered.
    rmSync(of('INBOX', 'dots'))
    const flagged = of('INBOX', 'empty')
    renameSync(
      flagged,
      join(maildir, 'INBOX', 'cur', `${flagged.slice(flagged.lastIndexOf('/') + 1).replace(/:2,.*/, '')}:2,FS`),
    )
    writeFileSync(join(maildir, 'INBOX', 'cur', '1700000000_0.local:2,S'), 'Subject: from here\n\nhello\n')
    const plain = await imap.command('UID SEARCH SUBJECT plain')
    const uid = Number(plain.data.find(({ name }) => name === 'SEARCH')!.values[0])
    await imap.command(`UID STORE ${uid} +FLAGS (\\Deleted)`)
    await imap.command('EXPUNGE')
    const attached = await imap.command('UID SEARCH SUBJECT attached')
    await imap.command(
      `UID STORE ${Number(attached.data.find(({ name }) => name === 'SEARCH')!.values[0])} +FLAGS (\\Answered)`,
    )
    await sync()
    const there = (await read(real, bob)).map((text) => /^Subject: (.*)\r$/m.exec(text)![1])
    assert.deepEqual(there, ['=?utf-8?Q?Gr=C3=BC=C3=9Fe?=', 'empty', 'attached', 'from here'])
    const found = await imap.command('UID SEARCH FLAGGED SEEN')
    assert.equal(found.data.find(({ name }) => name === 'SEARCH')!.values.length, 1)
    assert.match(of('INBOX', 'attached'), /:2,.*R/)
    assert.equal(near('INBOX').length, 4)

    // A folder made here appears there.
    await imap.command('LOGOUT')
    await run('mkdir', ['-p', ...['cur', 'new', 'tmp'].map((part) => join(maildir, 'Projects', part))])
    writeFileSync(join(maildir, 'Projects', 'cur', '1700000001_0.local:2,S'), 'Subject: project\n\nx\n')
    await sync()
    assert.ok(existsSync(join(maildir, 'Projects')))
    const [project, ...more] = await read(real, bob, 'Projects')
    assert.deepEqual(more, [])
    assert.match(project!, /^Subject: project\r\n/m)
    const count = texts('INBOX').length
    await sync()
    assert.equal(texts('INBOX').length, count)
    assert.equal((await read(real, bob)).length, 4)
  })
})
