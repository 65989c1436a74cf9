import assert from 'node:assert/strict'
import { createHash, webcrypto } from 'node:crypto'
import { test } from 'node:test'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { endPointBinding } from './channel-binding.ts'
import { mailAddresses } from './client-certificate.ts'

type Algorithm = Parameters<typeof webcrypto.subtle.generateKey>[0] & { hash?: string }

async function certificate(algorithm: Algorithm, names: x509.JsonGeneralNames = []): Promise<Uint8Array> {
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await webcrypto.subtle.generateKey(algorithm as never, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=x',
    signingAlgorithm: algorithm as never,
    keys: keys as never,
    extensions: [new x509.SubjectAlternativeNameExtension(names)],
  })
  return new Uint8Array(made.rawData)
}

const rsa = (hash: string): Algorithm =>
  ({ name: 'RSASSA-PKCS1-v1_5', hash, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) }) as Algorithm

test('tls-server-end-point takes the hash of the signature, SHA-256 for what is older. RFC 5929 §4.1', async () => {
  const cases: readonly (readonly [Algorithm, string])[] = [
    [rsa('SHA-1'), 'sha256'],
    [rsa('SHA-256'), 'sha256'],
    [rsa('SHA-384'), 'sha384'],
    [rsa('SHA-512'), 'sha512'],
    [{ name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as Algorithm, 'sha256'],
    [{ name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as Algorithm, 'sha384'],
  ]
  for (const [algorithm, hash] of cases) {
    const der = await certificate(algorithm)
    assert.deepEqual(endPointBinding(der), createHash(hash).update(der).digest())
  }
})

test('a signature without a hash of its own has no such binding; no bytes crash the reader', async () => {
  const der = await certificate({ name: 'Ed25519' } as Algorithm)
  assert.equal(endPointBinding(der), undefined)
  for (const bytes of [[], [0x30], [0x30, 0x84, 255, 255, 255, 255], [0x30, 0x85, 1, 1, 1, 1, 1], [0x30, 2, 0x30, 0]])
    assert.equal(endPointBinding(Uint8Array.from(bytes)), undefined)
  for (let cut = 0; cut < der.length; cut += 7) endPointBinding(der.subarray(0, cut))
})

test('only rfc822Name entries are addresses: other entries may say what they like', () => {
  assert.deepEqual(mailAddresses('email:a@b.example, DNS:x, email:c@d.example'), ['a@b.example', 'c@d.example'])
  assert.deepEqual(mailAddresses(''), [])
  assert.deepEqual(mailAddresses('DNS:"x, email:evil@b.example"'), [])
  assert.deepEqual(mailAddresses('DNS:"x\\", email:evil@b.example", email:good@b.example'), ['good@b.example'])
  assert.deepEqual(mailAddresses('URI:http://x/?email:evil@b.example'), [])
  assert.deepEqual(mailAddresses('email:"a, email:evil@b.example"'), [])
})

test('a name that looks like two entries is one, as Node prints it', async () => {
  const { X509Certificate } = await import('node:crypto')
  const der = await certificate(rsa('SHA-256'), [
    { type: 'dns', value: 'x, email:evil@b.example' },
    { type: 'url', value: 'http://x/, email:evil@b.example' },
    { type: 'email', value: 'good@b.example' },
  ])
  assert.deepEqual(mailAddresses(new X509Certificate(der).subjectAltName!), ['good@b.example'])
})
