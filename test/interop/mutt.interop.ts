/** mutt: alice sends by it, bob opens, tags, flags, saves and deletes by it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { alice, bob, read, run, without, withSystem } from './programs.ts'

const skip = without('mutt')

function subjects(messages: string[]): string[] {
  return messages.map((text) => /^Subject: (.*)\r$/m.exec(text)![1]!)
}

test('mutt sends and reads', { skip }, async () => {
  await withSystem(async (real, folder) => {
    const rc = (name: string, lines: string[]): string => {
      const path = join(folder, name)
      writeFileSync(
        path,
        [...lines, 'set ssl_verify_host=no ssl_verify_dates=no certificate_file=' + join(folder, 'certs')].join('\n') +
          '\n',
      )
      return path
    }
    // mutt asks a person about a certificate that it does not know: it is given ours as known.
    const shown = await run(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${real.port('imaps')}`, '-servername', 'localhost'],
      { input: '' },
    )
    writeFileSync(join(folder, 'certs'), /-----BEGIN[^]*?-----END CERTIFICATE-----\n/.exec(shown.out)![0])
    const env = { HOME: folder, TERM: 'xterm', LC_ALL: 'C.UTF-8' }
    const send = rc('send', [
      `set from="${alice}" realname="Alice" use_from=yes copy=no`,
      `set smtp_url="smtps://alice%40a.example@127.0.0.1:${real.port('submissions')}/" smtp_pass="${password}"`,
      'set ssl_force_tls=yes',
    ])
    for (const subject of ['eins', 'zwei', 'drei']) {
      const { code, err, out } = await run('mutt', ['-F', send, '-s', subject, '--', bob], {
        input: `Grüße, ${subject}\n`,
        env,
      })
      assert.equal(code, 0, `${out}\n${err}`)
    }
    assert.equal((await read(real, bob)).length, 3)
    const batch = rc('read', [
      `set folder="imaps://127.0.0.1:${real.port('imaps')}/" spoolfile="imaps://127.0.0.1:${real.port('imaps')}/INBOX"`,
      `set imap_user="${bob}" imap_pass="${password}" delete=yes quit=yes confirmappend=no confirmcreate=no`,
      'set wait_key=no beep=no mark_old=no move=no',
      // Save one, delete one, flag one, and go.
      `push "<tag-pattern>~s eins<enter><tag-prefix><save-message>=Work<enter><delete-pattern>~s zwei<enter><limit>~s drei<enter><flag-message><sync-mailbox><quit>"`,
    ])
    // It wants a terminal: script gives it one.
    const { code, out } = await run('script', ['-qec', `mutt -F ${batch}`, '/dev/null'], { env })
    assert.equal(code, 0, out.slice(-2000))
    assert.deepEqual(subjects(await read(real, bob)), ['drei'])
    assert.deepEqual(subjects(await read(real, bob, 'Work')), ['eins'])
    const imap = await real.imap(bob, 'INBOX')
    const { data } = await imap.command('SEARCH FLAGGED')
    assert.deepEqual(data.find(({ name }) => name === 'SEARCH')!.values.map(Number), [1])
    await imap.logout()
  })
})
