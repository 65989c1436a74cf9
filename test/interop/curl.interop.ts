/** curl: sends by SMTP and SMTPS, lists, reads, appends, searches and deletes by IMAP and IMAPS. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { alice, bob, read, run, without, withSystem } from './programs.ts'

const skip = without('curl')
const text = `From: ${alice}\r\nTo: ${bob}\r\nSubject: by curl\r\n\r\nHello\r\n.dot\r\n`

test('curl sends by smtp with STARTTLS and by smtps', { skip }, async () => {
  await withSystem(async (real, folder) => {
    const file = join(folder, 'm.eml')
    writeFileSync(file, text)
    const common = [
      '-sS',
      '-k',
      '--ssl-reqd',
      '-u',
      `${alice}:${password}`,
      '--mail-from',
      alice,
      '--mail-rcpt',
      bob,
      '-T',
      file,
    ]
    for (const url of [
      `smtp://127.0.0.1:${real.port('submission')}`,
      `smtps://127.0.0.1:${real.port('submissions')}`,
    ]) {
      const { code, err } = await run('curl', [...common, url])
      assert.equal(code, 0, err)
    }
    const messages = await read(real, bob)
    assert.equal(messages.length, 2)
    for (const message of messages) assert.ok(message.endsWith(text))
  })
})

test('curl reads and writes by imap with STARTTLS and by imaps', { skip }, async () => {
  await withSystem(async (real, folder) => {
    const file = join(folder, 'm.eml')
    writeFileSync(file, text)
    for (const [index, base] of [
      `imap://127.0.0.1:${real.port('imap')}`,
      `imaps://127.0.0.1:${real.port('imaps')}`,
    ].entries()) {
      const curl = async (path: string, ...args: string[]): Promise<string> => {
        const ran = await run('curl', [
          '-sS',
          '-k',
          '--ssl-reqd',
          '-u',
          `${bob}:${password}`,
          `${base}${path}`,
          ...args,
        ])
        assert.equal(ran.code, 0, `${path} ${args.join(' ')}: ${ran.err}`)
        return ran.out
      }
      assert.match(await curl('/'), /^\* LIST \(\\HasNoChildren\) "\/" INBOX\r\n/m)
      await curl('/', '-X', `CREATE Work${index}`)
      await curl(`/Work${index}`, '-T', file)
      await curl(`/Work${index}`, '-T', file)
      assert.equal(await curl(`/Work${index};UID=1`), text)
      assert.equal(await curl(`/Work${index};UID=2;SECTION=TEXT`), 'Hello\r\n.dot\r\n')
      assert.equal(
        await curl(`/Work${index};MAILINDEX=2;SECTION=HEADER.FIELDS%20(SUBJECT)`),
        'Subject: by curl\r\n\r\n',
      )
      assert.match(await curl(`/Work${index}?SUBJECT%20curl`), /^\* SEARCH 1 2\r\n/)
      assert.match(await curl('/', '-X', `STATUS Work${index} (MESSAGES UNSEEN)`), /MESSAGES 2/)
      await curl(`/Work${index}`, '-X', 'STORE 1 +FLAGS (\\Deleted)')
      await curl(`/Work${index}`, '-X', 'EXPUNGE')
      assert.match(await curl(`/Work${index}?ALL`), /^\* SEARCH 1\r\n/)
    }
    const denied = await run('curl', ['-sS', '-k', '-u', `${bob}:wrong`, `imaps://127.0.0.1:${real.port('imaps')}/`])
    assert.equal(denied.code, 67)
  })
})
