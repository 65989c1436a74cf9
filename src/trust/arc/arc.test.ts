import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DnsOutcome } from '../../base/resolver.ts'
import { headerEnd, parseHeader } from '../../mail/header.ts'
import { parseTags } from '../dkim/tags.ts'
import { loadSigningKey } from '../dkim/sign.ts'
import type { DkimDns } from '../dkim/verify.ts'
import { ArcSealer } from './seal.ts'
import { ArcVerifier, type ArcVerdict } from './verify.ts'

type Records = Readonly<Record<string, string>>

function dnsOf(records: Records): DkimDns {
  return {
    txt: async (name): Promise<DnsOutcome<string>> =>
      Object.hasOwn(records, name) ? { kind: 'found', records: [records[name]!] } : { kind: 'none', nameExists: false },
  }
}

const crlf = (text: string): Buffer => Buffer.from(text.replace(/\r?\n/g, '\r\n'))

async function verify(message: Buffer, dns: DkimDns): Promise<ArcVerdict> {
  const bodyStart = headerEnd(message, 0, message.length)
  const verifier = new ArcVerifier(parseHeader(message, 0, bodyStart))
  verifier.write(message.subarray(bodyStart))
  return verifier.end(dns)
}

/** Where we differ on purpose. */
const defended = new Map([
  // A message signature without From says nothing about the author: a chain of such would vouch for any sender.
  ['ams_fields_h_empty', 'fail'],
])

const folder = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors', 'arc')

interface ValidationScenario {
  readonly description: string
  readonly 'txt-records': Records
  readonly tests: Readonly<
    Record<string, { readonly message: string; readonly cv: string; readonly description?: string }>
  >
}
interface SigningScenario {
  readonly description: string
  readonly domain: string
  readonly sel: string
  readonly privatekey: string
  readonly 'txt-records': Records
  readonly tests: Readonly<
    Record<
      string,
      {
        readonly message: string
        readonly t: number
        readonly 'sig-headers': string
        readonly 'srv-id': string
        readonly AS: string
        readonly AMS: string
        readonly AAR: string
      }
    >
  >
}

if (!existsSync(folder)) test('ARC suite', (t) => t.skip('no vectors'))
else {
  const read = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T
  let count = 0
  for (const { description, tests, 'txt-records': records } of read<ValidationScenario[]>(
    'arc-draft-validation-tests.json',
  )) {
    test(`ARC suite, validation: ${description}`, async () => {
      const wrong: string[] = []
      for (const [name, { message, cv }] of Object.entries(tests)) {
        const { result, problem } = await verify(crlf(message), dnsOf(records))
        // An empty cv is a chain that says itself that it is broken: nothing more can be evaluated.
        const expected = cv === 'Pass' ? 'pass' : cv === 'None' ? 'none' : 'fail'
        if (result !== (defended.has(name) ? defended.get(name) : expected))
          wrong.push(`${name}: ${result} (${problem}), not ${expected}`)
        count++
      }
      assert.deepEqual(wrong, [])
    })
  }
  for (const scenario of read<SigningScenario[]>('arc-draft-sign-tests.json')) {
    test(`ARC suite, sealing: ${scenario.description}`, async () => {
      const wrong: string[] = []
      for (const [name, one] of Object.entries(scenario.tests)) {
        const message = crlf(one.message)
        const sealed = await seal(message, scenario, one)
        if (!sameTags(sealed, 'ARC-Seal', one.AS)) wrong.push(`${name}: seal`)
        if (!sameTags(sealed, 'ARC-Message-Signature', one.AMS)) wrong.push(`${name}: message signature`)
        count++
      }
      assert.deepEqual(wrong, [])
    })
  }
  test('all of the ARC suite was run', (t) => {
    t.diagnostic(`${count} of 188 cases`)
    assert.ok(count >= 180)
  })
}

/** The results of our own host, where the message has some: the suite's sealer takes them over. */
function resultsOf(message: Buffer, host: string): string {
  const header = parseHeader(message)
  const own = header.all('authentication-results').map((field) => header.value(field))
  const parts = own.filter((value) => value.startsWith(`${host};`)).map((value) => value.slice(host.length + 1).trim())
  return `${host}; ${parts.join('; ') || 'none'}`
}

async function seal(
  message: Buffer,
  { domain, sel, privatekey, 'txt-records': records }: SigningScenario,
  one: { readonly t: number; readonly 'sig-headers': string; readonly 'srv-id': string },
): Promise<string> {
  const bodyStart = headerEnd(message, 0, message.length)
  const chain = await verify(message, dnsOf(records))
  const sealer = new ArcSealer(parseHeader(message, 0, bodyStart), loadSigningKey(domain, sel, privatekey), {
    results: resultsOf(message, one['srv-id']),
    chain,
    fields: one['sig-headers'].split(':').map((name) => name.trim()),
    nowMs: one.t * 1000,
  })
  sealer.write(message.subarray(bodyStart))
  return sealer.end()
}

/** Equal but for white space; and b= too, which the results' own spelling decides. */
function sameTags(sealed: string, name: string, expected: string): boolean {
  const header = parseHeader(Buffer.from(`${sealed}\r\n`))
  const own = header.valueOf(name.toLowerCase())
  if (own === undefined) return expected.trim() === ''
  const [ours, theirs] = [own, expected].map((text) => parseTags(text.replace(/\s+/g, ' ')))
  const flat = (value: string | undefined): string => (value ?? '').replace(/\s+/g, '')
  return [...theirs!].every(([tag, value]) => tag === 'b' || flat(ours!.get(tag)) === flat(value))
}

test('what we seal is a chain that holds, hop by hop', async () => {
  const { generateKeyPairSync } = await import('node:crypto')
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const p = pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const dns = dnsOf({ 's._domainkey.hop.example': `v=DKIM1; p=${p}` })
  let message = crlf('From: a@example.org\nTo: list@hop.example\nSubject: x\n\nHello\n')
  for (let hop = 1; hop <= 3; hop++) {
    const bodyStart = headerEnd(message, 0, message.length)
    const key = { domain: 'hop.example', selector: 's', key: pair.privateKey }
    const chain = await verify(message, dns)
    const sealer = new ArcSealer(parseHeader(message, 0, bodyStart), key, {
      results: 'hop.example; spf=pass',
      chain,
      nowMs: hop * 1000,
    })
    sealer.write(message.subarray(bodyStart))
    message = Buffer.concat([Buffer.from(await sealer.end()), message])
    assert.equal((await verify(message, dns)).result, 'pass', `after hop ${hop}`)
  }
  const changed = Buffer.from(message.toString().replace('Hello', 'hello'))
  const broken = await verify(changed, dns)
  assert.deepEqual([broken.result, broken.problem], ['fail', 'the body was changed'])
})
