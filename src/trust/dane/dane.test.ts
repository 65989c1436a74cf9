import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { makeAuthority } from '../../../test/stories/client-certificates.ts'
import type { TlsaRecord } from '../../base/resolver.ts'
import { publicKeyOf } from './certificate-der.ts'
import { checkDane } from './check.ts'
import { usableRecords } from './tlsa.ts'

const now = Date.now()
const usage = x509.ExtendedKeyUsage.serverAuth
const der = (pem: string): Uint8Array => new X509Certificate(pem).raw
const authority = await makeAuthority('anchor')
const other = await makeAuthority('anchor')
const root = der(authority.cert)
const leaf = der((await authority.sign({ names: ['mail.a.example'], usage })).cert)
const stranger = der((await other.sign({ names: ['mail.a.example'], usage })).cert)

function record(usage: number, selector: number, matching: number, certificate: Uint8Array): TlsaRecord {
  const bytes = selector === 0 ? certificate : publicKeyOf(certificate)!
  const data =
    matching === 0
      ? bytes
      : createHash(matching === 1 ? 'sha256' : 'sha512')
          .update(bytes)
          .digest()
  return { usage, selector, matching, data: Uint8Array.from(data) }
}

function words(
  records: readonly TlsaRecord[],
  chain: readonly Uint8Array[],
  names = ['mail.a.example'],
  at = now,
): string {
  const result = checkDane(records, chain, names, at)
  return result.kind === 'verified' ? result.record : result.type
}

test('the public key is cut out of a certificate as Node writes it', () => {
  for (const one of [root, leaf]) {
    const written = new X509Certificate(one).publicKey.export({ type: 'spki', format: 'der' })
    assert.deepEqual(Buffer.from(publicKeyOf(one)!), written)
  }
  for (let cut = 0; cut < leaf.length; cut += 7) assert.equal(publicKeyOf(leaf.subarray(0, cut)), undefined)
})

test('usage 3 matches the server by certificate or key, whole or by digest, whatever its names and dates', async () => {
  const old = await authority.sign({ names: ['other.example'], usage, notAfter: new Date(now - 86_400_000) })
  for (const selector of [0, 1])
    for (const matching of [0, 1, 2]) {
      const written = `3 ${selector} ${matching}`
      assert.equal(words([record(3, selector, matching, leaf)], [leaf]), written)
      assert.equal(words([record(3, selector, matching, der(old.cert))], [der(old.cert)]), written)
      assert.equal(words([record(3, selector, matching, stranger)], [leaf]), 'validation-failure')
      // A certificate higher up is no match: only the server's own is meant.
      assert.equal(words([record(3, selector, matching, root)], [leaf, root]), 'validation-failure')
    }
})

test('usage 2 wants a path to the anchor, a name that fits, and valid dates', async () => {
  for (const selector of [0, 1])
    for (const matching of [0, 1, 2])
      assert.equal(words([record(2, selector, matching, root)], [leaf, root]), `2 ${selector} ${matching}`)
  const anchor = record(2, 0, 1, root)
  assert.equal(words([anchor], [leaf, root], ['mail.b.example']), 'certificate-host-mismatch')
  assert.equal(words([anchor], [leaf, root], ['mail.b.example', 'mail.a.example']), '2 0 1')
  assert.equal(words([anchor], [leaf, root], ['mail.a.example'], now + 10 * 86_400_000), 'certificate-expired')
  // Shown beside a certificate that it has not signed, it proves nothing.
  assert.equal(words([anchor], [stranger, root]), 'validation-failure')
  assert.equal(words([anchor], [leaf]), 'validation-failure')
  assert.equal(words([record(2, 0, 1, leaf)], [leaf, root]), 'validation-failure')
  const forClients = der((await authority.sign({ names: ['mail.a.example'] })).cert)
  assert.equal(words([anchor], [forClients, root]), 'validation-failure')
})

test('usage 2: the path leads over authorities between, in whatever order they are shown', async () => {
  const first = await authority.sign({ usage, authority: true })
  const second = await other.sign({ usage, authority: true })
  const below = der((await authority.sign({ names: ['mail.a.example'], usage, by: first })).cert)
  const [between, beside] = [der(first.cert), der(second.cert)]
  for (const anchor of [record(2, 0, 1, root), record(2, 1, 0, root), record(2, 1, 1, between)])
    for (const chain of [
      [below, between, root],
      [below, root, beside, between],
    ])
      assert.match(words([anchor], chain), /^2 /)
  assert.equal(words([record(2, 0, 1, root)], [below, root]), 'validation-failure')
})

test('usage 2: a certificate that is no authority issues nothing, though the anchor has signed it', async () => {
  const server = await authority.sign({ names: ['shop.a.example'], usage })
  const forged = der((await authority.sign({ names: ['mail.a.example'], usage, by: server })).cert)
  const chain = [forged, der(server.cert), root]
  for (const anchor of [record(2, 0, 1, root), record(2, 1, 1, root), record(2, 0, 0, root)])
    assert.equal(words([anchor], chain), 'validation-failure')
  // The signature itself is good: where the server's key is the anchor, it counts.
  assert.equal(words([record(2, 1, 0, der(server.cert))], [forged]), '2 1 0')
})

test('an anchor that stands whole in the record need not be shown', () => {
  assert.equal(words([record(2, 0, 0, root)], [leaf]), '2 0 0')
  assert.equal(words([record(2, 1, 0, root)], [leaf]), '2 1 0')
  assert.equal(words([record(2, 0, 0, root)], [stranger]), 'validation-failure')
  assert.equal(words([record(2, 1, 0, root)], [stranger]), 'validation-failure')
})

test('one right record among wrong ones is enough: keys are changed that way', () => {
  assert.equal(words([record(3, 1, 1, stranger), record(3, 1, 1, leaf)], [leaf]), '3 1 1')
  assert.equal(words([record(3, 1, 1, stranger), record(2, 1, 1, root)], [leaf, root]), '2 1 1')
})

test('garbage in records and chains is a failure, never a fault', () => {
  const data = Uint8Array.of(1, 2, 3)
  for (const one of [2, 3])
    for (const selector of [0, 1])
      assert.equal(words([{ usage: one, selector, matching: 0, data }], [leaf, root]), 'validation-failure')
  assert.equal(words([record(3, 1, 1, leaf)], [data]), 'validation-failure')
  assert.equal(words([record(2, 1, 1, root)], [data, root]), 'validation-failure')
  assert.equal(words([record(3, 1, 1, leaf)], []), 'validation-failure')
})

test('records that SMTP cannot use do not count, and the strongest digest wins', () => {
  const data = new Uint8Array(32)
  const of = (usage: number, selector: number, matching: number, bytes = data): TlsaRecord => ({
    usage,
    selector,
    matching,
    data: bytes,
  })
  const usable = (records: TlsaRecord[]): string[] =>
    usableRecords(records).map(({ usage, selector, matching }) => `${usage}${selector}${matching}`)
  assert.deepEqual(usable([of(0, 1, 1), of(1, 1, 1), of(4, 1, 1), of(3, 2, 1), of(3, 1, 3)]), [])
  assert.deepEqual(usable([of(3, 1, 1, data.subarray(1)), of(3, 1, 2), of(3, 1, 0, data.subarray(32))]), [])
  assert.deepEqual(usable([of(3, 1, 1), of(2, 0, 1)]), ['311', '201'])
  // RFC 7671 §9: digest agility, for each usage and selector apart.
  assert.deepEqual(usable([of(3, 1, 1), of(3, 1, 2, new Uint8Array(64)), of(2, 1, 1)]), ['312', '211'])
})
