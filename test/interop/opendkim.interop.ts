/**
 * DKIM beside OpenDKIM: it verifies what we sign, and we what it signs. It knows no Ed25519, and its test mode loses the blank
 * behind a field's colon, so that headers in simple form cannot be tried; dkimpy and mailauth do.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { forms, keys, messages, records, rsaPem, signed, verified } from './dkim-world.ts'
import { unixText } from './mails.ts'
import { run, without } from './programs.ts'

const folder = mkdtempSync(join(tmpdir(), 'pennypost-opendkim-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const skip = without('opendkim')

const config = join(folder, 'opendkim.conf')
const keyFile = join(folder, 'rsa.pem')
writeFileSync(keyFile, rsaPem, { mode: 0o600 })
writeFileSync(
  join(folder, 'keys'),
  Object.entries(records)
    .map(([name, value]) => `${name} ${value}\n`)
    .join(''),
)
writeFileSync(config, `Mode v\nSyslog no\nTestPublicKeys ${join(folder, 'keys')}\n`)

test('OpenDKIM verifies what we sign, in all forms, and not what was changed', { skip }, async () => {
  const [key] = keys
  let n = 0
  const file = join(folder, 'message.eml')
  for (const message of messages)
    for (const bodyForm of forms) {
      const ours = await signed(message, [key!], { headerForm: 'relaxed', bodyForm })
      // Its test mode reads lines as Unix has them.
      writeFileSync(file, unixText(ours), 'latin1')
      const told = await run('opendkim', ['-x', config, '-t', file])
      assert.match(told.out + told.err, /verification \(s=r,? d=example\.org, 2048-bit key[^)]*\) succeeded/, bodyForm)
      n++
    }
  assert.equal(n, 6)
  writeFileSync(file, unixText(await signed(messages[0]!, [key!])).replace('Hello', 'Hallo'), 'latin1')
  const told = await run('opendkim', ['-x', config, '-t', file])
  assert.doesNotMatch(told.out + told.err, /succeeded/)
})

test('we verify what OpenDKIM signs', { skip }, async () => {
  const file = join(folder, 'message.eml')
  const signing = join(folder, 'sign.conf')
  for (const message of messages)
    for (const form of ['relaxed/simple', 'relaxed/relaxed']) {
      writeFileSync(
        signing,
        `Mode s\nSyslog no\nRequireSafeKeys no\nDomain example.org\nSelector r\nKeyFile ${keyFile}\nSignatureAlgorithm rsa-sha256\nCanonicalization ${form}\n`,
      )
      writeFileSync(file, unixText(message), 'latin1')
      const { out, err } = await run('opendkim', ['-x', signing, '-vv', '-t', file])
      // What its milter would have put on top.
      const field = /INSHEADER: idx=\d+ hname='DKIM-Signature' hvalue='([^']*)'/.exec(out + err)?.[1]
      assert.ok(field, `${form}: ${out}${err}`)
      const signature = `DKIM-Signature: ${field.trim().replace(/\r?\n/g, '\r\n')}\r\n`
      assert.deepEqual(await verified(Buffer.concat([Buffer.from(signature), message])), ['pass'], form)
    }
})
