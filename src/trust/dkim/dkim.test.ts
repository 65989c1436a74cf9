import assert from 'node:assert/strict'
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DnsOutcome } from '../../base/resolver.ts'
import { headerEnd, parseHeader } from '../../mail/header.ts'
import { BodyDigest, canonicalField } from './canonical.ts'
import { parseDkimKey } from './key.ts'
import { DkimSigner, type DkimSigningKey } from './sign.ts'
import { parseDkimSignature, withoutSignature } from './signature.ts'
import { DkimVerifier, type DkimDns, type DkimVerdict } from './verify.ts'

const nowMs = Date.UTC(2026, 0, 2)

function dnsOf(records: Readonly<Record<string, string>>): DkimDns {
  return {
    txt: async (name): Promise<DnsOutcome<string>> =>
      Object.hasOwn(records, name)
        ? { kind: 'found', records: [records[name]!] }
        : name.startsWith('slow.')
          ? { kind: 'failed', reason: 'timeout' }
          : { kind: 'none', nameExists: false },
  }
}

async function verify(message: Uint8Array, dns: DkimDns, cut = message.length): Promise<DkimVerdict[]> {
  const bodyStart = headerEnd(message, 0, message.length)
  const verifier = new DkimVerifier(parseHeader(message, 0, bodyStart))
  for (let at = bodyStart; at < message.length; at += cut) verifier.write(message.subarray(at, at + cut))
  return verifier.end(dns, nowMs)
}

async function signed(message: Buffer, keys: readonly DkimSigningKey[], options = {}): Promise<Buffer> {
  const bodyStart = headerEnd(message, 0, message.length)
  const signer = new DkimSigner(parseHeader(message, 0, bodyStart), keys, { nowMs, ...options })
  signer.write(message.subarray(bodyStart))
  return Buffer.concat([Buffer.from(await signer.end(), 'latin1'), message])
}

const vectors = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors', 'dkim')
const crlf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1')

if (!existsSync(vectors)) test('DKIM vectors', (t) => t.skip('no vectors'))
else {
  test('RFC 8463 appendix A: both signatures of the example pass', async () => {
    const { rfc8463 } = JSON.parse(readFileSync(join(vectors, 'ed25519-keys.json'), 'utf8')) as {
      rfc8463: { dns: Record<string, string> }
    }
    const message = crlf(readFileSync(join(vectors, 'rfc8463-example.msg')))
    const verdicts = await verify(message, dnsOf(rfc8463.dns))
    assert.deepEqual(
      verdicts.map(({ algorithm, result, problem }) => [algorithm, result, problem]),
      [
        ['ed25519-sha256', 'pass', undefined],
        ['rsa-sha256', 'pass', undefined],
      ],
    )
  })

  test("Gmail's message passes with its key, and fails with a byte more", async () => {
    const pem = readFileSync(join(vectors, 'gmail.pub'), 'utf8')
    const p = createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64')
    const dns = dnsOf({ '20120113._domainkey.gmail.com': `v=DKIM1; k=rsa; p=${p}` })
    const message = crlf(readFileSync(join(vectors, 'gmail.msg')))
    for (const cut of [message.length, 1, 7]) assert.equal((await verify(message, dns, cut))[0]!.result, 'pass')
    const [changed] = await verify(Buffer.concat([message, Buffer.from('x')]), dns)
    assert.deepEqual([changed!.result, changed!.problem], ['fail', 'the body was changed'])
  })
}

function bodyHash(text: string, form: 'simple' | 'relaxed'): string {
  const digest = new BodyDigest(createHash('sha256'), form, undefined)
  digest.write(Buffer.from(text))
  return digest.end().toString('base64')
}
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64')

test("RFC 6376 §3.4.5's example, and §3.4.3, §3.4.4 on empty bodies", () => {
  assert.equal(canonicalField('A: X\r\n', 'relaxed'), 'a:X\r\n')
  assert.equal(canonicalField('B : Y\t\r\n\tZ  \r\n', 'relaxed'), 'b:Y Z\r\n')
  assert.equal(canonicalField('B : Y\t\r\n\tZ  \r\n', 'simple'), 'B : Y\t\r\n\tZ  \r\n')
  const body = ' C \r\nD \t E\r\n\r\n\r\n'
  assert.equal(bodyHash(body, 'relaxed'), sha256(' C\r\nD E\r\n'))
  assert.equal(bodyHash(body, 'simple'), sha256(' C \r\nD \t E\r\n'))
  assert.equal(bodyHash('', 'simple'), sha256('\r\n'))
  assert.equal(bodyHash('', 'relaxed'), sha256(''))
  assert.equal(bodyHash('\r\n\r\n', 'relaxed'), sha256(''))
  assert.equal(bodyHash('a', 'relaxed'), sha256('a\r\n'))
})

/** As the RFC words it, on whole texts. */
function reference(text: string, form: 'simple' | 'relaxed'): string {
  let body = text
  if (form === 'relaxed') body = body.replace(/[ \t]+(?=\r\n|$)/g, '').replace(/[ \t]+/g, ' ')
  body = body.replace(/(?:\r\n)+$/, '')
  return body === '' ? (form === 'simple' ? '\r\n' : '') : `${body}\r\n`
}

test('bodies in any pieces have the canonical form that the RFC words', () => {
  const text = fc.array(fc.constantFrom('a', ' ', '\t', '\r\n', '\r\n\r\n', '\r', '\n', 'b', '.'), { maxLength: 30 })
  fc.assert(
    fc.property(text, fc.nat(30), fc.constantFrom('simple' as const, 'relaxed' as const), (pieces, cut, form) => {
      const body = pieces.join('')
      const digest = new BodyDigest(createHash('sha256'), form, undefined)
      digest.write(Buffer.from(body.slice(0, cut)))
      digest.write(Buffer.from(body.slice(cut)))
      assert.equal(digest.end().toString('base64'), sha256(reference(body, form)))
    }),
    { numRuns: 3000 },
  )
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')
const der = rsa.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
const raw = ed25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
const keys: DkimSigningKey[] = [
  { domain: 'example.org', selector: 'r', key: rsa.privateKey },
  { domain: 'example.org', selector: 'e', key: ed25519.privateKey },
]
const dns = dnsOf({
  'r._domainkey.example.org': `v=DKIM1; k=rsa; p=${der}`,
  'e._domainkey.example.org': `v=DKIM1; k=ed25519; p=${raw}`,
})
const message = Buffer.from(
  'From: A <a@example.org>\r\nTo: b@example.net\r\nSubject: a  subject\r\n folded\r\nDate: Fri, 2 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHello,\r\n\r\nyou.\r\n',
)

test('what we sign passes, with both kinds of key; relays may touch white space, and nothing else', async () => {
  for (const headerForm of ['simple', 'relaxed'] as const) {
    for (const bodyForm of ['simple', 'relaxed'] as const) {
      const bytes = await signed(message, keys, { headerForm, bodyForm })
      const verdicts = await verify(bytes, dns)
      assert.deepEqual(
        verdicts.map(({ result, selector, keyBits, bodyBeyond }) => [result, selector, keyBits, bodyBeyond]),
        [
          ['pass', 'r', 2048, false],
          ['pass', 'e', 256, false],
        ],
      )
      for (const line of bytes.toString().split('\r\n')) assert.ok(line.length <= 100, line)
    }
  }
  const text = (await signed(message, keys)).toString('latin1')
  const relayed = text
    .replace('Subject: a  subject\r\n folded', 'SUBJECT:a subject folded')
    .replace('Hello,\r\n', 'Hello, \t\r\n')
  assert.ok(
    (await verify(Buffer.from(`Received: x\r\n${relayed}\r\n\r\n`, 'latin1'), dns)).every(
      ({ result }) => result === 'pass',
    ),
  )
  for (const [what, changed] of [
    ['subject', text.replace('a  subject', 'another')],
    ['body', text.replace('Hello', 'hello')],
    ['a second From', text.replace('From:', 'From: evil@example.net\r\nFrom:')],
    ['a Reply-To that was not there', text.replace('From:', 'Reply-To: evil@example.net\r\nFrom:')],
  ] as const)
    assert.ok(
      (await verify(Buffer.from(changed, 'latin1'), dns)).every(({ result }) => result === 'fail'),
      what,
    )
})

test('every reason why a signature does not count', async () => {
  const field = (tags: string): Buffer => Buffer.concat([Buffer.from(`DKIM-Signature: ${tags}\r\n`), message])
  const base = 'v=1; a=rsa-sha256; d=example.org; s=r; h=from; bh=YQ==; b=YQ=='
  const verdictOf = async (tags: string, records: Readonly<Record<string, string>> = {}): Promise<string> => {
    const [verdict] = await verify(field(tags), dnsOf({ 'r._domainkey.example.org': `v=DKIM1; p=${der}`, ...records }))
    return `${verdict!.result}: ${verdict!.problem}`
  }
  const weak = generateKeyPairSync('rsa', { modulusLength: 512 })
    .publicKey.export({ type: 'spki', format: 'der' })
    .toString('base64')
  const key = (text: string): Record<string, string> => ({ 'r._domainkey.example.org': text })
  assert.equal(await verdictOf(base), 'fail: the body was changed')
  assert.equal(await verdictOf(base.replace('v=1', 'v=2')), 'permerror: v= is not 1')
  assert.equal(await verdictOf(base.replace('h=from', 'h=to')), 'permerror: From is not signed')
  assert.equal(await verdictOf(`${base}; i=@example.net`), 'permerror: i= is not of d=')
  assert.equal(await verdictOf(`${base}; a=x`), 'permerror: it is no list of tags')
  assert.equal(await verdictOf(base.replace('rsa-sha256', 'rsa-sha1')), 'policy: SHA-1 is no proof any more (RFC 8301)')
  assert.equal(await verdictOf(`${base}; t=1; x=2`), 'fail: the signature has expired')
  assert.equal(await verdictOf(`${base}; l=1000`), 'permerror: l= is longer than the body')
  assert.equal(
    await verdictOf(base.replace('s=r', 's=none')),
    'permerror: there is no key at none._domainkey.example.org',
  )
  assert.match(await verdictOf(base.replace('s=r', 's=slow.r')), /^temperror: no answer/)
  assert.match(await verdictOf(base, key('v=DKIM1; p=')), /^permerror: .*revoked/)
  assert.match(await verdictOf(base, key(`v=DKIM1; k=ed25519; p=${raw}`)), /^permerror: .*another kind/)
  assert.match(await verdictOf(base, key(`v=DKIM1; h=sha1; p=${der}`)), /^permerror: .*SHA-256/)
  assert.match(await verdictOf(`${base}; i=a@x.example.org`, key(`v=DKIM1; t=s; p=${der}`)), /^permerror: .*subdomains/)
  assert.match(await verdictOf(base, key(`v=DKIM1; p=${weak}`)), /^policy: a key of 512 bits/)
  assert.match(await verdictOf(base, key('v=DKIM1; p=AAAA')), /^permerror: .*p= is no key/)
})

test('b= is emptied wherever it stands, and bh= is not', () => {
  assert.equal(withoutSignature('DKIM-Signature: a=x; bh=abc; b=d\r\n ef; c=g'), 'DKIM-Signature: a=x; bh=abc; b=; c=g')
  assert.equal(withoutSignature('DKIM-Signature: b=def'), 'DKIM-Signature: b=')
})

test('no text breaks the parsers', () => {
  const text = fc.string({ unit: fc.constantFrom(...'v=1;abdhpstkx :/@.\r\n\t'), maxLength: 80 })
  fc.assert(
    fc.property(text, (given) => {
      parseDkimSignature(given)
      parseDkimKey(given)
      withoutSignature(given)
    }),
    { numRuns: 3000 },
  )
})

/** Signed by hand, as others do: few fields, or a part of the body. */
async function handSigned(headers: string, body: string, tags: string, lengthMax?: number): Promise<Buffer> {
  const { privateKey } = rsa
  const digest = new BodyDigest(createHash('sha256'), 'simple', lengthMax)
  digest.write(Buffer.from(body))
  const field = `DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=r; bh=${digest.end().toString('base64')}; ${tags}; b=`
  const data = `${canonicalField(`${headers.trim().split('\r\n').at(-1)!}\r\n`, 'simple')}${field}`
  return Buffer.from(
    `${field}${sign('sha256', Buffer.from(data), privateKey).toString('base64')}\r\n${headers}\r\n${body}`,
  )
}

test('a signature of a part of the body is no pass where the body goes on', async () => {
  const from = 'From: joe@example.org\r\n'
  const verdictOf = async (bytes: Buffer): Promise<string> => (await verify(bytes, dns))[0]!.result
  assert.equal(await verdictOf(await handSigned(from, 'Hello\r\n', 'h=from; l=7', 7)), 'pass')
  assert.equal(await verdictOf(await handSigned(from, 'Hello\r\nmore\r\n', 'h=from; l=7', 7)), 'policy')
  assert.equal(await verdictOf(await handSigned(from, 'Another\r\n', 'h=from; l=0', 0)), 'policy')
})

test('a signature of one From is not valid where several stand', async () => {
  const bytes = await handSigned('From: joe@example.org\r\n', 'Hello\r\n', 'h=from')
  assert.equal((await verify(bytes, dns))[0]!.result, 'pass')
  const replayed = bytes.toString().replace('\r\nFrom:', '\r\nFrom: evil@example.net\r\nFrom:')
  const [verdict] = await verify(Buffer.from(replayed), dns)
  assert.deepEqual([verdict!.result, verdict!.problem], ['permerror', 'it does not sign all From fields'])
})
