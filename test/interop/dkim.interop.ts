/** DKIM and ARC beside others: dkimpy verifies what we sign and seal, and we what dkimpy does. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { arcResult, forms, keys, messages, records, rsaPem, sealed, signed, verified } from './dkim-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'pennypost-dkim-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const keyFile = join(folder, 'rsa.pem')
writeFileSync(keyFile, rsaPem, { mode: 0o600 })
/** dkimpy, told what to do by arguments; the message on its standard input. */
const dkimpy = `
import sys, json, dkim
what, records, key = sys.argv[1], json.loads(sys.argv[2]), open(sys.argv[3], 'rb').read()
def txt(name, timeout=5):
    return records.get((name.decode() if isinstance(name, bytes) else name).rstrip('.'))
def dnsfunc(name, timeout=5):
    found = txt(name); return found.encode() if found else None
data = sys.stdin.buffer.read()
if what == 'verify':
    d = dkim.DKIM(data); n = sum(1 for name, _ in d.headers if name.lower() == b'dkim-signature')
    print(json.dumps([bool(d.verify(i, dnsfunc=dnsfunc)) for i in range(n)]))
elif what == 'sign':
    forms = sys.argv[4].encode().split(b'/')
    sys.stdout.buffer.write(dkim.sign(data, b'r', b'example.org', key, canonicalize=tuple(forms)) + data)
elif what == 'arc-verify':
    print(json.dumps(dkim.arc_verify(data, dnsfunc=dnsfunc)[0].decode()))
elif what == 'arc-sign':
    sets = dkim.arc_sign(data, b'r', b'example.org', key, b'example.org')
    sys.stdout.buffer.write(b''.join(sets) + data)
`

function python(what: string, message: Uint8Array, more: readonly string[] = []): Buffer {
  const args = ['-c', dkimpy, what, JSON.stringify(records), keyFile, ...more]
  // Debian's own: its packages are not seen by another Python.
  const ran = spawnSync('/usr/bin/python3', args, { input: message })
  assert.equal(ran.status, 0, ran.stderr.toString())
  return ran.stdout
}

test('dkimpy verifies what we sign, with both kinds of key and all forms', async () => {
  for (const message of messages) {
    for (const headerForm of forms) {
      for (const bodyForm of forms) {
        const ours = await signed(message, keys, { headerForm, bodyForm })
        assert.deepEqual(JSON.parse(python('verify', ours).toString()), [true, true], `${headerForm}/${bodyForm}`)
      }
    }
  }
})

test('we verify what dkimpy signs', async () => {
  for (const message of messages) {
    for (const headerForm of forms)
      for (const bodyForm of forms)
        assert.deepEqual(await verified(python('sign', message, [`${headerForm}/${bodyForm}`])), ['pass'])
  }
})

test('ARC: dkimpy believes our seal, we believe its, and each adds to the other', async () => {
  const results = 'Authentication-Results: example.org; spf=pass smtp.mailfrom=a@example.org\r\n'
  // Its sealer takes the state of the chain from there.
  const passed = results.replace('spf', 'arc=pass; spf')
  const ours = await sealed(Buffer.concat([Buffer.from(results), messages[0]!]))
  assert.equal(JSON.parse(python('arc-verify', ours).toString()), 'pass')
  const both = python('arc-sign', Buffer.concat([Buffer.from(passed), ours]))
  assert.equal(await arcResult(both), 'pass')
  const three = await sealed(both)
  assert.equal(JSON.parse(python('arc-verify', three).toString()), 'pass')
  const theirs = python('arc-sign', Buffer.concat([Buffer.from(results), messages[1]!]))
  assert.equal(await arcResult(theirs), 'pass')
})
