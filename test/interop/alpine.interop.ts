/** alpine, as a person drives it: reads, flags, saves into a new folder, deletes, sends an attachment with a copy in Sent. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { attachment, fill, mails } from './mails.ts'
import { alice, bob, read, withCertified, without } from './programs.ts'
import { Terminal } from './terminal.ts'

test('alpine', { skip: without('alpine') || without('tmux') }, async () => {
  await withCertified(async (real, folder, ca) => {
    await fill(real, bob)
    const file = join(folder, 'a.bin')
    writeFileSync(file, attachment)
    const at = (service: 'imaps' | 'submissions'): string => `localhost:${real.port(service)}/ssl/user="${bob}"`
    writeFileSync(
      join(folder, 'pinerc'),
      `personal-name=Bob
user-domain=a.example
customized-hdrs=From: Bob <${bob}>
inbox-path={${at('imaps')}}INBOX
folder-collections=Far {${at('imaps')}}[]
smtp-server=${at('submissions')}
default-fcc=Sent
feature-list=quit-without-confirm,expunge-without-confirm,disable-password-file-saving,allow-changing-from,enable-flag-cmd
posting-character-set=UTF-8
last-version-used=6.26
`,
    )
    // It has no setting of its own for authorities: OpenSSL reads this variable.
    const env = { HOME: folder, SSL_CERT_FILE: ca, LC_ALL: 'C.UTF-8' }
    const terminal = await Terminal.start(folder, `alpine -p ${folder}/pinerc -i`, env)
    try {
      await terminal.shows(/USER: bob@a\.example {2}ENTER PASSWORD/)
      await terminal.type(password)
      await terminal.press('Enter')
      await terminal.shows(/1 +07\/01\/25 +Alice[^]*Grüße[^]*5 messages - 5 new/)

      await terminal.press('Down', 'Down', 'Enter')
      await terminal.shows(/Subject: Grüße[^]*Blumen für dich, 花/)
      await terminal.press('i')
      await terminal.shows(/MESSAGE INDEX/)
      await terminal.press('*')
      await terminal.shows(/Flag New, Deleted/)
      await terminal.press('Enter')
      await terminal.shows(/\* +3 07\/01\/25/)
      await terminal.press('Down', 's')
      await terminal.shows(/SAVE Msg 4|SAVE[^]*to folder/)
      await terminal.type('Work')
      await terminal.press('Enter')
      await terminal.shows(/doesn't exist/)
      await terminal.press('y')
      await terminal.shows(/D +4 07\/01\/25/)
      await terminal.press('Up', 'Up', 'Up', 'Up', 'd')
      await terminal.shows(/D +1 07\/01\/25/)

      await terminal.press('c')
      await terminal.shows(/COMPOSE MESSAGE/)
      for (const field of [alice, '', file, 'Grüße von alpine']) {
        await terminal.type(field)
        await terminal.press('Enter')
      }
      await terminal.type('Blumen für dich, 花')
      await terminal.press('Enter', '.', 'Enter', 'C-x')
      await terminal.shows(/Send message/)
      await terminal.press('y')
      await terminal.shows(/ENTER PASSWORD/)
      await terminal.type(password)
      await terminal.press('Enter')
      await terminal.shows(/Message sent and copied to "Sent"|Writing Fcc +DONE/)
      await terminal.press('q')
    } finally {
      await terminal.stop()
    }
    const text = mails.map((mail) => mail.toString('latin1'))
    assert.deepEqual(await read(real, bob), [text[1], text[2], text[4]])
    assert.deepEqual(await read(real, bob, 'Work'), [text[3]])
    const imap = await real.imap(bob, 'INBOX')
    const { data } = await imap.command('SEARCH FLAGGED SEEN')
    assert.deepEqual(data.find(({ name }) => name === 'SEARCH')!.values.map(Number), [2])
    await imap.logout()

    const [arrived, ...more] = await read(real, alice)
    assert.deepEqual(more, [])
    const encoded = /filename[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(arrived!)![1]!
    assert.deepEqual(Buffer.from(encoded, 'base64'), attachment)
    assert.ok(arrived!.includes(`Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe_von_alpine?=\r\n`))
    const [copy] = await read(real, bob, 'Sent')
    assert.ok(copy!.includes('Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe_von_alpine?=\r\n'))
  })
})
