/** s-nail: alice sends an attachment by SMTP; bob saves and deletes by IMAP, takes what is left by POP3. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { attachment, fill, mails, unixText } from './mails.ts'
import { alice, bob, read, run, withCertified, without } from './programs.ts'

test('s-nail', { skip: without('s-nail') }, async () => {
  await withCertified(async (real, folder, ca) => {
    const env = { HOME: folder, MAILRC: '/dev/null', LC_ALL: 'C.UTF-8', TERM: 'dumb' }
    const word = encodeURIComponent(password)
    const url = (scheme: string, user: string, service: 'submission' | 'submissions' | 'imaps' | 'pop3s'): string =>
      `${scheme}://${encodeURIComponent(user)}:${word}@localhost:${real.port(service)}`
    const nail = async (args: readonly string[], input: string): Promise<string> => {
      const common = [
        '-n',
        '-S',
        'v15-compat=yes',
        '-S',
        `tls-ca-file=${ca}`,
        '-S',
        'tls-verify=strict',
        '-S',
        'sendcharsets=utf-8',
      ]
      const { code, out, err } = await run('s-nail', [...common, ...args], { input, env })
      assert.equal(code, 0, `${out}\n${err}`)
      return out + err
    }
    const file = join(folder, 'a.bin')
    writeFileSync(file, attachment)
    for (const [index, mta] of [
      ['-S', `mta=${url('submissions', alice, 'submissions')}`],
      ['-S', `mta=${url('smtp', alice, 'submission')}`, '-S', 'smtp-use-starttls'],
    ].entries())
      await nail([...mta, '-S', `from=${alice}`, '-s', `Grüße ${index}`, '-a', file, bob], 'Blumen für dich\n.\n')
    const arrived = await read(real, bob)
    assert.equal(arrived.length, 2)
    for (const text of arrived) {
      assert.match(text, /^Subject: =\?[Uu][Tt][Ff]-8\?/m)
      const encoded = /filename[^]*?\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--/.exec(text)![1]!
      assert.deepEqual(Buffer.from(encoded, 'base64'), attachment)
    }

    // IMAP: everything copied into an mbox here, the first one deleted there.
    await fill(real, bob)
    const near = join(folder, 'imap.mbox')
    await nail(['-f', `${url('imaps', bob, 'imaps')}/INBOX`], `copy * ${near}\ndelete 1\nquit\n`)
    const mbox = unquoted(readFileSync(near, 'latin1'))
    for (const mail of mails.map(unixText)) assert.ok(mbox.includes(body(mail)), mail.slice(0, 80))
    assert.equal((await read(real, bob)).length, mails.length + 1)

    const other = join(folder, 'pop.mbox')
    await nail(['-f', url('pop3s', bob, 'pop3s')], `copy * ${other}\ndelete *\nquit\n`)
    const taken = unquoted(readFileSync(other, 'latin1'))
    for (const mail of mails.map(unixText)) assert.ok(taken.includes(body(mail)), mail.slice(0, 80))
    assert.deepEqual(await read(real, bob), [])
  })
})

/** Programs differ in which lines that begin with "From " an mbox quotes: by none. */
function unquoted(text: string): string {
  return text.replace(/^>+From /gm, 'From ')
}

function body(mail: string): string {
  return unquoted(mail.slice(mail.indexOf('\n\n') + 2))
}
