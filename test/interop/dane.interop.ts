/** The same TLSA records and certificates, judged by OpenSSL and by us. RFC 7671, RFC 7672. */
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import 'reflect-metadata'
import { ExtendedKeyUsage } from '@peculiar/x509'
import type { TlsaRecord } from '../../src/base/resolver.ts'
import { checkDane } from '../../src/trust/dane/check.ts'
import { usableRecords } from '../../src/trust/dane/tlsa.ts'
import { makeAuthority, type Pair } from '../stories/client-certificates.ts'
import { smtpServer } from '../support/smtp-server.ts'
import { run, without } from './programs.ts'

const skip = without('openssl')
const name = 'mx.b.example'
const usage = ExtendedKeyUsage.serverAuth
const authority = await makeAuthority('anchor')
const other = await makeAuthority('another')
const chains: Readonly<Record<string, Pair>> = Object.fromEntries(
  await Promise.all(
    [
      ['right', await authority.sign({ names: [name], usage }), authority.cert] as const,
      ['wrong name', await authority.sign({ names: ['x.example'], usage }), authority.cert] as const,
      [
        'expired',
        await authority.sign({ names: [name], usage, notAfter: new Date(Date.now() - 3600_000) }),
        authority.cert,
      ] as const,
      ['not for servers', await authority.sign({ names: [name] }), authority.cert] as const,
      ["another's", await other.sign({ names: [name], usage }), other.cert] as const,
      ["another's, with the anchor beside it", await other.sign({ names: [name], usage }), authority.cert] as const,
      ['without its anchor', await authority.sign({ names: [name], usage }), ''] as const,
    ].map(async ([title, { cert, key }, rest]) => [title, { cert: `${cert}\n${rest}`, key }] as const),
  ),
)

function certificatesOf(pem: string): Uint8Array[] {
  return pem
    .match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)!
    .map((one) => new X509Certificate(one).raw)
}

function recordOf(usage: number, selector: number, matching: number, pem: string): TlsaRecord {
  const certificate = new X509Certificate(pem)
  const bytes = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const digest = ['', 'sha256', 'sha512'][matching]!
  return { usage, selector, matching, data: digest === '' ? bytes : createHash(digest).update(bytes).digest() }
}

/** For each certificate: its own records and its authority's, in every form, and what belongs to somebody else. */
function recordSets(own: string): readonly (readonly TlsaRecord[])[] {
  const forms = [0, 1].flatMap((selector) => [0, 1, 2].map((matching) => [selector, matching] as const))
  return [
    ...forms.flatMap(([selector, matching]) => [
      [recordOf(3, selector, matching, own)],
      [recordOf(3, selector, matching, authority.cert)],
      [recordOf(2, selector, matching, authority.cert)],
      [recordOf(2, selector, matching, own)],
    ]),
    [recordOf(3, 1, 1, other.cert), recordOf(2, 1, 1, authority.cert)],
    [recordOf(2, 1, 1, other.cert), recordOf(3, 1, 1, own)],
    // The stronger digest is a wrong one: the weaker must not save it.
    [recordOf(3, 1, 1, own), recordOf(3, 1, 2, other.cert)],
  ]
}

async function byOpenssl(port: number, records: readonly TlsaRecord[]): Promise<boolean> {
  const rrs = records.flatMap(({ usage, selector, matching, data }) => [
    '-dane_tlsa_rrdata',
    `${usage} ${selector} ${matching} ${Buffer.from(data).toString('hex')}`,
  ])
  const args = ['s_client', '-starttls', 'smtp', '-connect', `127.0.0.1:${port}`, '-dane_tlsa_domain', name, ...rrs]
  // RFC 7672 §3.1.1: names count for trust anchors only.
  const more = ['-dane_ee_no_namechecks', '-verify_return_error', '-purpose', 'sslserver', '-crlf', '-ign_eof']
  const { out, err } = await run('openssl', [...args, ...more], { input: 'QUIT\n' })
  assert.match(out + err, /CONNECTED/)
  return /Verification: OK/.test(out) && /Verify return code: 0/.test(out)
}

const expected: Readonly<Record<string, number>> = { right: 14, 'without its anchor': 9 }

for (const [title, pair] of Object.entries(chains)) {
  test(`a server whose certificate is ${title}`, { skip }, async (t) => {
    const server = await smtpServer({ pair })
    t.after(() => server.close())
    const [own] = pair.cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/)!
    let verified = 0
    for (const records of recordSets(own)) {
      const words = records.map((one) => `${one.usage} ${one.selector} ${one.matching}`).join(', ')
      const ours = checkDane(usableRecords(records), certificatesOf(pair.cert), [name], Date.now())
      if (ours.kind === 'verified') verified++
      assert.equal(ours.kind === 'verified', await byOpenssl(server.port, records), `${words}: ${JSON.stringify(ours)}`)
    }
    // Its own certificate or key always; its anchor where nothing else is wrong.
    assert.equal(verified, expected[title] ?? 7)
  })
}
