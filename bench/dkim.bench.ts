/** DKIM beside mailauth, in one process, by CPU seconds: signing and verifying a message of 10 KB, and what OpenSSL alone costs. */
import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { headerEnd, parseHeader } from '../src/mail/header.ts'
import { DkimSigner, type DkimSigningKey } from '../src/trust/dkim/sign.ts'
import { DkimVerifier } from '../src/trust/dkim/verify.ts'
import { bench, rounds } from './support/scratch.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

interface MailauthSign {
  dkimSign(message: Buffer, options: object): Promise<{ readonly signatures: string }>
}
interface MailauthVerify {
  dkimVerify(
    message: Buffer,
    options: object,
  ): Promise<{ readonly results: readonly { readonly status: { readonly result: string } }[] }>
}
// It brings no types.
const require = createRequire(import.meta.url)
const { dkimSign } = require('mailauth/lib/dkim/sign') as MailauthSign
const { dkimVerify } = require('mailauth/lib/dkim/verify') as MailauthVerify

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')
const der = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })
const records: Record<string, string> = {
  'r._domainkey.example.org': `v=DKIM1; k=rsa; p=${der(rsa.publicKey).toString('base64')}`,
  'e._domainkey.example.org': `v=DKIM1; k=ed25519; p=${der(ed25519.publicKey).subarray(-32).toString('base64')}`,
}
const dns = { txt: async (name: string) => ({ kind: 'found', records: [records[name]!] }) as const }
const resolver = async (name: string): Promise<string[][]> => [[records[name]!]]

const message = Buffer.from(
  [
    'Received: from mx.example.org (mx.example.org [192.0.2.1]) by mx.example.net with ESMTPS id 1; Fri, 2 Jan 2026 00:00:00 +0000',
    'From: "A. Writer" <a@example.org>',
    'To: b@example.net, "C. Reader" <c@example.net>',
    'Subject: What we talked about, and some more of it',
    'Date: Fri, 2 Jan 2026 00:00:00 +0000',
    'Message-ID: <1.2.3@example.org>',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    ...Array.from({ length: 140 }, (_, n) => `Line ${n} of a letter that says  nothing new, at some length.       .`),
    '',
  ].join('\r\n'),
)

const kinds = [
  {
    name: 'rsa-2048',
    key: { domain: 'example.org', selector: 'r', key: rsa.privateKey },
    publicKey: rsa.publicKey,
    sign: 6,
    verify: 15,
  },
  {
    name: 'ed25519',
    key: { domain: 'example.org', selector: 'e', key: ed25519.privateKey },
    publicKey: ed25519.publicKey,
    sign: 12,
    verify: 7,
  },
]

async function signOurs(key: DkimSigningKey): Promise<string> {
  const start = headerEnd(message, 0, message.length)
  const signer = new DkimSigner(parseHeader(message, 0, start), [key], { nowMs: Date.now() })
  signer.write(message.subarray(start))
  return signer.end()
}

async function verifyOurs(signed: Buffer): Promise<void> {
  const start = headerEnd(signed, 0, signed.length)
  const verifier = new DkimVerifier(parseHeader(signed, 0, start))
  verifier.write(signed.subarray(start))
  const [{ result } = { result: 'none' }] = await verifier.end(dns, Date.now())
  if (result !== 'pass') throw new Error(result)
}

/** How often in a second of CPU, all threads counted; eight at a time, as a server has them. */
async function perCpuSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  for (let n = 0; n < count / 10; n++) await work()
  const before = process.cpuUsage()
  let left = count
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (left-- > 0) await work()
    }),
  )
  const { user, system } = process.cpuUsage(before)
  return count / ((user + system) / 1e6)
}

await bench(async () => {
  const table = new Table('DKIM, 10 KB, per CPU second', 'ours', 'mailauth', 'ratio', 'aim', 'OpenSSL alone')
  for (const { name, key, publicKey, ...aims } of kinds) {
    const pem = key.key.export({ type: 'pkcs8', format: 'pem' }).toString()
    const data = { signingDomain: key.domain, selector: key.selector, privateKey: pem }
    const signTheirs = (): Promise<unknown> => dkimSign(message, { signatureData: [data] })
    const signed = Buffer.concat([Buffer.from(await signOurs(key), 'latin1'), message])
    const verifyTheirs = async (): Promise<void> => {
      const { results } = await dkimVerify(signed, { resolver })
      if (results[0]!.status.result !== 'pass') throw new Error(results[0]!.status.result)
    }
    const algorithm = name === 'ed25519' ? null : 'sha256'
    const digest = Buffer.alloc(300, 'x')
    const signature = sign(algorithm, digest, key.key)
    const rows = [
      {
        what: 'sign',
        ours: () => signOurs(key),
        theirs: signTheirs,
        bare: () => promisify(sign)(algorithm, digest, key.key),
        aim: aims.sign,
        counts: [1500, 300, 1500],
      },
      {
        what: 'verify',
        ours: () => verifyOurs(signed),
        theirs: verifyTheirs,
        bare: () => promisify(verify)(algorithm, digest, publicKey, signature),
        aim: aims.verify,
        counts: [4000, 400, 8000],
      },
    ] as const
    for (const { what, ours, theirs, bare, aim, counts } of rows) {
      const runs: number[][] = []
      for (let round = 0; round < rounds; round++)
        runs.push([
          await perCpuSecond(counts[0], ours),
          await perCpuSecond(counts[1], theirs),
          await perCpuSecond(counts[2], bare),
        ])
      const of = (at: number): number => median(runs.map((run) => run[at]!))
      table.add(`${what}, ${name}`, of(0), of(1), of(0) / of(1), verdict(of(0) / of(1), { atLeast: aim }), of(2))
    }
  }
  table.print('DKIM')
})
