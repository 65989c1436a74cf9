import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DkimVerdict } from '../dkim/verify.ts'
import type { SpfVerdict } from '../spf/check.ts'
import { checkDmarc, type DmarcVerdict } from './check.ts'
import { organizationalDomain } from './organizational-domain.ts'
import { parseDmarcRecord } from './record.ts'

const spf = (result: SpfVerdict['result'], domain: string): SpfVerdict => ({ result, domain, identity: 'mailfrom' })
const dkim = (result: DkimVerdict['result'], domain: string): DkimVerdict => ({
  result,
  domain,
  selector: 's',
  identity: `@${domain}`,
  algorithm: 'rsa-sha256',
  signaturePrefix: '',
  testing: false,
  bodyBeyond: false,
})

async function verdictOf(
  from: string | readonly string[],
  records: Readonly<Record<string, string | readonly string[]>>,
  proofs: { spf?: SpfVerdict; dkim?: readonly DkimVerdict[]; certain?: boolean } = {},
): Promise<DmarcVerdict> {
  return checkDmarc(
    {
      fromDomains: typeof from === 'string' ? [from] : from,
      certain: proofs.certain ?? true,
      spf: proofs.spf ?? spf('none', 'x'),
      dkim: proofs.dkim ?? [],
    },
    {
      txt: async (name) =>
        records[name] === undefined
          ? { kind: 'none', nameExists: false }
          : records[name] === 'slow'
            ? { kind: 'failed', reason: 'timeout' }
            : { kind: 'found', records: [records[name]].flat() },
    },
  )
}

const words = async (...given: Parameters<typeof verdictOf>): Promise<string> => {
  const { result, policy, aligned } = await verdictOf(...given)
  return `${result} ${policy} ${aligned.join('+')}`.trim()
}

test('RFC 7489 appendix B.1: alignment, relaxed and strict, by SPF and by DKIM', async () => {
  const relaxed = { '_dmarc.example.com': 'v=DMARC1; p=reject' }
  const strict = { '_dmarc.example.com': 'v=DMARC1; p=reject; adkim=s; aspf=s' }
  assert.equal(await words('example.com', relaxed, { spf: spf('pass', 'example.com') }), 'pass reject spf')
  assert.equal(await words('example.com', relaxed, { spf: spf('pass', 'child.example.com') }), 'pass reject spf')
  assert.equal(await words('example.com', strict, { spf: spf('pass', 'child.example.com') }), 'fail reject')
  assert.equal(await words('example.com', relaxed, { spf: spf('pass', 'example.net') }), 'fail reject')
  assert.equal(
    await words('example.com', relaxed, { dkim: [dkim('fail', 'example.com'), dkim('pass', 'sub.example.com')] }),
    'pass reject dkim',
  )
  assert.equal(await words('example.com', strict, { dkim: [dkim('pass', 'sub.example.com')] }), 'fail reject')
  assert.equal(
    await words('example.com', relaxed, { dkim: [dkim('fail', 'example.com')], spf: spf('fail', 'example.com') }),
    'fail reject',
  )
})

test("a subdomain without a record has its organisation's, and its policy for subdomains", async () => {
  const records = {
    '_dmarc.example.co.uk': 'v=DMARC1; p=reject; sp=quarantine',
    '_dmarc.own.example.co.uk': 'v=DMARC1; p=none',
  }
  assert.equal(await words('mail.example.co.uk', records), 'fail quarantine')
  assert.equal(await words('own.example.co.uk', records), 'fail none')
  assert.equal(await words('example.co.uk', records), 'fail reject')
  assert.equal(await words('co.uk', records), 'none none')
})

test('what cannot be told is not told', async () => {
  assert.equal(await words('example.com', {}), 'none none')
  assert.equal(
    await words('example.com', { '_dmarc.example.com': ['v=DMARC1; p=reject', 'v=DMARC1; p=none'] }),
    'none none',
  )
  assert.equal(await words('example.com', { '_dmarc.example.com': 'slow' }), 'temperror none')
  assert.equal(
    await words(
      'example.com',
      { '_dmarc.example.com': 'v=DMARC1; p=reject' },
      { spf: spf('temperror', 'example.com') },
    ),
    'temperror reject',
  )
  assert.equal(await words([], {}), 'permerror none')
  assert.equal(await words(['a.example', 'b.example'], {}), 'none none')
})

test('of several domains in From each is judged, and the strictest result counts', async () => {
  const records = { '_dmarc.bank.example': 'v=DMARC1; p=reject', '_dmarc.evil.example': 'v=DMARC1; p=none' }
  const proofs = { spf: spf('pass', 'evil.example') }
  assert.equal(await words(['evil.example', 'bank.example'], records, proofs), 'fail reject')
  assert.equal(await words(['bank.example', 'evil.example'], records, proofs), 'fail reject')
  assert.equal(await words(['evil.example', 'open.example'], records, proofs), 'none none')
  const { each, problem } = await verdictOf(
    Array.from({ length: 21 }, (_, i) => `a${i}.example`),
    records,
  )
  assert.deepEqual([each, problem], [undefined, 'From has more than 20 domains'])
})

test('where From is not certain nothing passes, and what any of its domains wishes is told', async () => {
  const records = { '_dmarc.bank.example': 'v=DMARC1; p=quarantine', '_dmarc.slow.example': 'slow' }
  const proofs = { spf: spf('pass', 'bank.example'), certain: false }
  assert.equal(await words(['bank.example'], records, proofs), 'permerror quarantine')
  assert.equal(await words(['evil.example', 'bank.example', 'slow.example'], records, proofs), 'permerror quarantine')
  assert.equal(await words(['evil.example', 'slow.example'], records, proofs), 'temperror none')
  assert.equal(await words(['evil.example'], records, proofs), 'permerror none')
})

test('records, right and wrong', () => {
  const record = parseDmarcRecord(
    'v=DMARC1;p=quarantine; pct=20; rua=mailto:a@example.org!10m, mailto:b%2Bc@example.org,https://x',
  )
  assert.deepEqual(record, {
    policy: 'quarantine',
    subdomainPolicy: 'quarantine',
    dkimStrict: false,
    spfStrict: false,
    percent: 20,
    reportTo: ['a@example.org', 'b+c@example.org'],
  })
  assert.equal(parseDmarcRecord('v=DMARC1; p=oops'), undefined)
  assert.equal(parseDmarcRecord('v=DMARC1; p=oops; rua=mailto:a@b.c')!.policy, 'none')
  assert.equal(parseDmarcRecord('v=DMARC2; p=reject'), undefined)
  assert.equal(parseDmarcRecord('p=reject; v=DMARC1'), undefined)
})

const file = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors', 'publicsuffix', 'tests.txt')
test("organisational domains by the public suffix list's own tests", (t) => {
  if (!existsSync(file)) return t.skip('no vectors')
  let count = 0
  const wrong: string[] = []
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const match = /^([^/\s]\S*) (\S+)$/.exec(line.trim())
    // "null" says that there is none: for DMARC that is the name itself, or a name that is not asked about.
    if (!match || match[2] === 'null' || /[^\x00-\x7f]/.test(line)) continue
    const found = organizationalDomain(match[1]!)
    if (found !== match[2]) wrong.push(`${match[1]}: ${found}, not ${match[2]}`)
    count++
  }
  t.diagnostic(`${count - wrong.length} of ${count} equal`)
  assert.deepEqual(wrong, [])
  assert.ok(count > 40)
})
