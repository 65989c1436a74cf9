/** openssl s_client: STARTTLS and implicit TLS, 1.2 and 1.3, nothing older, resumed sessions. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { run, without, withSystem } from './programs.ts'

const skip = without('openssl')

function at(port: number, ...more: string[]): string[] {
  return ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', ...more]
}

test('openssl s_client on all TLS doors', { skip }, async () => {
  await withSystem(async (real, folder) => {
    const doors = [
      { args: at(real.port('smtp'), '-starttls', 'smtp'), quit: 'QUIT\n' },
      { args: at(real.port('submission'), '-starttls', 'smtp'), quit: 'QUIT\n' },
      { args: at(real.port('lmtp'), '-starttls', 'lmtp'), quit: 'QUIT\n' },
      { args: at(real.port('imap'), '-starttls', 'imap'), quit: 'a LOGOUT\n' },
      { args: at(real.port('submissions')), quit: 'QUIT\n' },
      { args: at(real.port('imaps')), quit: 'a LOGOUT\n' },
    ]
    for (const { args, quit } of doors) {
      for (const [flag, version] of [
        ['-tls1_2', 'TLSv1.2'],
        ['-tls1_3', 'TLSv1.3'],
      ] as const) {
        const { code, out, err } = await run('openssl', [...args, flag, '-ign_eof', '-crlf'], { input: quit })
        assert.equal(code, 0, `${args.join(' ')} ${flag}: ${err}`)
        assert.ok(out.includes(`New, ${version}, Cipher is`) || out.includes(`Protocol  : ${version}`), out)
        assert.match(out, /subject=.*localhost/)
        assert.match(out, /^(221 |\* BYE)/m)
      }
      const old = await run('openssl', [...args, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], { input: quit })
      assert.doesNotMatch(old.out, /Cipher is [A-Z]+-/)
      assert.notEqual(old.code, 0)
    }
    for (const flag of ['-tls1_2', '-tls1_3']) {
      const kept = join(folder, `session${flag}`)
      const first = await run('openssl', [...at(real.port('imaps')), flag, '-sess_out', kept, '-ign_eof', '-crlf'], {
        input: 'a LOGOUT\n',
      })
      assert.match(first.out, /^New, /m)
      const again = await run('openssl', [...at(real.port('imaps')), flag, '-sess_in', kept, '-ign_eof', '-crlf'], {
        input: 'a LOGOUT\n',
      })
      assert.match(again.out, /^Reused, /m)
    }
  })
})
