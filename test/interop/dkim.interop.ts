/** DKIM and ARC beside others: dkimpy verifies what we sign and seal, and we what dkimpy does. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { headerEnd, parseHeader } from '../../src/mail/header.ts'
import { ArcSealer } from '../../src/trust/arc/seal.ts'
import { ArcVerifier } from '../../src/trust/arc/verify.ts'
import { DkimSigner, type DkimSigningKey } from '../../src/trust/dkim/sign.ts'
import { DkimVerifier } from '../../src/trust/dkim/verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'pennypost-dkim-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')
const der = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })
const records: Record<string, string> = {
  'r._domainkey.example.org': `v=DKIM1; k=rsa; p=${der(rsa.publicKey).toString('base64')}`,
  'e._domainkey.example.org': `v=DKIM1; k=ed25519; p=${der(ed25519.publicKey).subarray(-32).toString('base64')}`,
}
const keyFile = join(folder, 'rsa.pem')
writeFileSync(keyFile, rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
const keys: DkimSigningKey[] = [
  { domain: 'example.org', selector: 'r', key: rsa.privateKey },
  { domain: 'example.org', selector: 'e', key: ed25519.privateKey },
]
const dns = {
  txt: async (name: string) =>
    records[name] === undefined
      ? ({ kind: 'none', nameExists: false } as const)
      : ({ kind: 'found', records: [records[name]] } as const),
}

/** White space of every kind, since canonical forms are about that. */
const messages = [
  'From: a@example.org\r\nTo: b@example.net\r\nSubject: plain\r\nDate: Fri, 2 Jan 2026 00:00:00 +0000\r\n\r\nHello\r\n',
  'From: "A  B" <a@example.org>\r\nTO:b@example.net\r\nSubject:  folded\r\n\tand  wide \r\nDate: Fri, 2 Jan 2026 00:00:00 +0000\r\n\r\n two  spaces \t\r\n\r\n\ttab\r\n\r\n\r\n',
  'From: a@example.org\r\nSubject: empty\r\nDate: Fri, 2 Jan 2026 00:00:00 +0000\r\n\r\n',
].map((text) => Buffer.from(text))

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

async function verified(message: Buffer): Promise<string[]> {
  const start = headerEnd(message, 0, message.length)
  const verifier = new DkimVerifier(parseHeader(message, 0, start))
  verifier.write(message.subarray(start))
  return (await verifier.end(dns, Date.now())).map(
    ({ result, problem }) => `${result}${problem ? ` (${problem})` : ''}`,
  )
}

async function arcResult(message: Buffer): Promise<string> {
  const start = headerEnd(message, 0, message.length)
  const verifier = new ArcVerifier(parseHeader(message, 0, start))
  verifier.write(message.subarray(start))
  const { result, problem } = await verifier.end(dns)
  return problem === undefined ? result : `${result} (${problem})`
}

const forms = ['simple', 'relaxed'] as const

test('dkimpy verifies what we sign, with both kinds of key and all forms', async () => {
  for (const message of messages) {
    for (const headerForm of forms) {
      for (const bodyForm of forms) {
        const start = headerEnd(message, 0, message.length)
        const signer = new DkimSigner(parseHeader(message, 0, start), keys, { headerForm, bodyForm, nowMs: Date.now() })
        signer.write(message.subarray(start))
        const signed = Buffer.concat([Buffer.from(await signer.end(), 'latin1'), message])
        assert.deepEqual(JSON.parse(python('verify', signed).toString()), [true, true], `${headerForm}/${bodyForm}`)
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
  const seal = async (message: Buffer): Promise<Buffer> => {
    const start = headerEnd(message, 0, message.length)
    const header = parseHeader(message, 0, start)
    const verifier = new ArcVerifier(header)
    verifier.write(message.subarray(start))
    const chain = await verifier.end(dns)
    const options = { results: 'example.org; spf=pass smtp.mailfrom=a@example.org', chain, nowMs: Date.now() }
    const sealer = new ArcSealer(header, keys[0]!, options)
    sealer.write(message.subarray(start))
    return Buffer.concat([Buffer.from(await sealer.end(), 'latin1'), message])
  }
  const ours = await seal(Buffer.concat([Buffer.from(results), messages[0]!]))
  assert.equal(JSON.parse(python('arc-verify', ours).toString()), 'pass')
  const both = python('arc-sign', Buffer.concat([Buffer.from(passed), ours]))
  assert.equal(await arcResult(both), 'pass')
  const three = await seal(both)
  assert.equal(JSON.parse(python('arc-verify', three).toString()), 'pass')
  const theirs = python('arc-sign', Buffer.concat([Buffer.from(results), messages[1]!]))
  assert.equal(await arcResult(theirs), 'pass')
})
