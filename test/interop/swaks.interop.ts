/** swaks sends: by SMTP, submission with STARTTLS, implicit TLS, LMTP; 8-bit and large messages. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { password } from '../stories/real.ts'
import { alice, bob, read, run, without, withSystem, type Ran } from './programs.ts'

const skip = without('swaks')

function delivered({ code, out, err }: Ran): void {
  assert.equal(code, 0, `${out}\n${err}`)
  assert.match(out, /250 2\.0\.0 Ok, accepted as/)
}

test('swaks on every listener', { skip }, async () => {
  await withSystem(async (real) => {
    const common = ['--from', 'x@y.example', '--to', bob]
    const signedIn = ['--from', alice, '--to', bob, '--auth-user', alice, '--auth-password', password]
    const at = (service: Parameters<typeof real.port>[0]): string[] => [
      '--server',
      '127.0.0.1',
      '-p',
      `${real.port(service)}`,
    ]
    delivered(await run('swaks', [...at('smtp'), ...common, '--h-Subject', 'smtp']))
    delivered(await run('swaks', [...at('smtp'), ...common, '--tls', '--h-Subject', 'smtp tls']))
    delivered(await run('swaks', [...at('smtp'), ...common, '--pipeline', '--h-Subject', 'smtp pipelined']))
    delivered(await run('swaks', [...at('lmtp'), ...common, '--protocol', 'LMTP', '--h-Subject', 'lmtp']))
    for (const mechanism of ['PLAIN', 'LOGIN'])
      delivered(
        await run('swaks', [...at('submission'), ...signedIn, '--tls', '--auth', mechanism, '--h-Subject', mechanism]),
      )
    delivered(await run('swaks', [...at('submissions'), ...signedIn, '--tls-on-connect', '--h-Subject', 'implicit']))
    const subjects = (await read(real, bob)).map((text) => /^Subject: (.*)\r$/m.exec(text)![1])
    assert.deepEqual(subjects, ['smtp', 'smtp tls', 'smtp pipelined', 'lmtp', 'PLAIN', 'LOGIN', 'implicit'])
  })
})

test('swaks is refused: relaying, a wrong password, no sign-in, another’s address', { skip }, async () => {
  await withSystem(async (real) => {
    const at = (service: Parameters<typeof real.port>[0]): string[] => [
      '--server',
      '127.0.0.1',
      '-p',
      `${real.port(service)}`,
    ]
    const relay = await run('swaks', [...at('smtp'), '--from', alice, '--to', 'pat@elsewhere.example'])
    assert.match(relay.out, /550 5\.7\.1/)
    const auth = ['--auth', 'PLAIN', '--auth-user', alice, '--auth-password']
    const wrong = await run('swaks', [...at('submission'), '--tls', '--from', alice, '--to', bob, ...auth, 'wrong'])
    assert.match(wrong.out, /535 5\.7\.8/)
    const nobody = await run('swaks', [...at('submission'), '--tls', '--from', alice, '--to', bob])
    assert.match(nobody.out, /530 5\.7\.0/)
    const other = await run('swaks', [...at('submission'), '--tls', '--from', bob, '--to', bob, ...auth, password])
    assert.match(other.out, /550 5\.7\.1/)
    assert.equal((await read(real, bob)).length, 0)
  })
})

test('swaks with 8-bit text, dots and ten megabytes', { skip }, async () => {
  await withSystem(async (real, folder) => {
    const body = `Grüße\r\n.\r\n..dots\r\n${'x'.repeat(70)}\r\n`
    const large =
      `Subject: large\r\n\r\n${'0123456789abcdef'.repeat(4)}\r\n`.padEnd(20) + `${'y'.repeat(998)}\r\n`.repeat(10_000)
    writeFileSync(join(folder, 'eight.eml'), `Subject: eight\r\n\r\n${body}`)
    writeFileSync(join(folder, 'large.eml'), large)
    for (const name of ['eight', 'large']) {
      const args = ['--server', '127.0.0.1', '-p', `${real.port('smtp')}`, '--from', 'x@y.example', '--to', bob]
      delivered(await run('swaks', [...args, '--suppress-data', '--data', `@${join(folder, `${name}.eml`)}`]))
    }
    const [eight, big] = await read(real, bob)
    assert.ok(
      eight!.endsWith(Buffer.from(`Subject: eight\r\n\r\n${body}`).toString('latin1')) ||
        eight!.includes(Buffer.from(body).toString('latin1')),
    )
    assert.ok(big!.includes(large.trimEnd()))
  })
})
