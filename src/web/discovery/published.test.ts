import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeSelfSigned } from '../../platform/real/self-signed.ts'
import { certificateFor } from '../../platform/real/tls.ts'
import { simulatedResolver, type ZoneEntry } from '../../platform/simulated/resolver.ts'
import { checkDane } from '../../trust/dane/check.ts'
import { endEntityRecord, usableRecords } from '../../trust/dane/tlsa.ts'
import { parseStsPolicy, parseStsRecord } from '../../trust/mta-sts/policy.ts'
import { parseTlsRptRecord } from '../../trust/tls-rpt/record.ts'
import { checkRecords, type CheckedRecord } from './check.ts'
import type { PublishOptions } from './publish-options.ts'
import { ownPolicy, policyId, publishedRecords } from './published.ts'

const defaults: PublishOptions = {
  mtaSts: 'testing',
  mtaStsMaxAgeMs: 14 * 86_400_000,
  mtaStsHosts: [],
  tlsReportsTo: undefined,
}
const host = 'mail.example.org'
const now = Date.now()
const [first, second] = await Promise.all(
  [1, 2].map(async () => certificateFor([(await makeSelfSigned([host], now)).certificate], host)!),
)
const unknown = { ofHost: [], namesPolicyHost: undefined }

const policies = fc.record({
  mtaSts: fc.constantFrom('enforce' as const, 'testing' as const, 'none' as const),
  mtaStsMaxAgeMs: fc.integer({ min: 1, max: 31_557_600 }).map((s) => s * 1000),
  mtaStsHosts: fc.uniqueArray(fc.constantFrom('mx1.example.org', '*.example.net', 'backup.example.com')),
  tlsReportsTo: fc.constantFrom(undefined, 'tls@example.org'),
})

test('a served policy is parsed as intended', () => {
  assert.equal(
    ownPolicy(host, { ...defaults, mtaSts: 'enforce' }),
    'version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 1209600\r\n',
  )
  fc.assert(
    fc.property(policies, (options) => {
      const { mtaSts: mode, mtaStsHosts, mtaStsMaxAgeMs } = options
      const mx = mode === 'none' ? [] : mtaStsHosts.length === 0 ? [host] : mtaStsHosts
      assert.deepEqual(parseStsPolicy(ownPolicy(host, options)), { mode, mx, maxAgeS: mtaStsMaxAgeMs / 1000 })
    }),
  )
})

test('the id of the record changes exactly when the policy does', () => {
  const idOf = (options: PublishOptions): string =>
    parseStsRecord([publishedRecords('example.org', host, options, unknown)[1]!.value])!
  assert.equal(idOf(defaults), policyId(ownPolicy(host, defaults)))
  fc.assert(
    fc.property(policies, policies, (a, b) => {
      assert.equal(idOf(a) === idOf(b), ownPolicy(host, a) === ownPolicy(host, b))
    }),
  )
  assert.equal(idOf({ ...defaults, tlsReportsTo: 'tls@example.org' }), idOf(defaults))
})

test('reports go to postmaster of the domain or to one address for all, with any characters', () => {
  const target = (tlsReportsTo?: string): unknown =>
    parseTlsRptRecord([publishedRecords('example.org', host, { ...defaults, tlsReportsTo }, unknown)[2]!.value])
  const mailbox = (localPart: string): unknown => [{ kind: 'mailto', mailbox: { localPart, domain: 'example.org' } }]
  assert.deepEqual(target(), mailbox('postmaster'))
  assert.deepEqual(target('tls+a!b%c?d&e@example.org'), mailbox('tls+a!b%c?d&e'))
})

test('the TLSA records that we print are what our DANE verifier accepts, the next key as well; no key twice', () => {
  const values = (...ofHost: Uint8Array[]): string[] =>
    publishedRecords('example.org', host, defaults, { ofHost, namesPolicyHost: true })
      .filter(({ name, type }) => type === 'TLSA' && name === '_25._tcp.mail.example.org')
      .map(({ value }) => value)
  const read = (all: readonly string[]) =>
    usableRecords(
      all.map((value) => {
        const [usage, selector, matching, hex] = value.split(' ')
        const numbers = { usage: Number(usage), selector: Number(selector), matching: Number(matching) }
        return { ...numbers, data: Buffer.from(hex!, 'hex') }
      }),
    )
  const both = read(values(first!, second!))
  assert.equal(both.length, 2)
  for (const shown of [first!, second!])
    assert.deepEqual(checkDane(both, [shown], [host], now), { kind: 'verified', record: '3 1 1' })
  assert.equal(checkDane(read(values(first!)), [second!], [host], now).kind, 'failed')
  assert.equal(values(first!, first!).length, 1)
  assert.deepEqual(values(), [])
})

test('a certificate without the name of the policy host is reported', () => {
  const why = (namesPolicyHost?: boolean): string =>
    publishedRecords('example.org', host, defaults, { ofHost: [], namesPolicyHost })[0]!.why
  assert.match(why(false), /cannot be fetched yet/)
  for (const fine of [true, undefined]) assert.doesNotMatch(why(fine), /nobody/)
})

test('the DNS is checked: an old id differs, and a TLSA record that matches no key of ours stops mail', async () => {
  const entry = endEntityRecord(first!)!
  const names = new Map<string, ZoneEntry>()
  const resolver = simulatedResolver({ names, fails: () => false })
  const records = publishedRecords('example.org', host, defaults, { ofHost: [second!], namesPolicyHost: true })
  const look = async (): Promise<string[]> =>
    (await checkRecords(records, resolver)).map(
      ({ type, state, needed }: CheckedRecord) => `${type} ${state}${needed ? ' needed' : ''}`,
    )
  assert.deepEqual(await look(), ['CNAME missing', 'TXT missing', 'TXT missing', 'TLSA missing'])
  names.set('_mta-sts.example.org', { txt: ['v=STSv1; id=20160831085700Z;'] })
  names.set('_smtp._tls.example.org', { txt: ['v=TLSRPTv1; rua=mailto:elsewhere@example.net'] })
  names.set('_25._tcp.mail.example.org', { tlsa: [entry] })
  assert.deepEqual((await look()).slice(1), ['TXT differs', 'TXT right', 'TLSA differs needed'])
  names.set('_mta-sts.example.org', { txt: [records[1]!.value.replace('; id', ';  a=b ;id')] })
  names.set('_25._tcp.mail.example.org', { tlsa: [entry, endEntityRecord(second!)!] })
  assert.deepEqual((await look()).slice(1), ['TXT right', 'TXT right', 'TLSA right'])
})
