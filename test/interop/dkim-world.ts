/** Keys, their records and messages that others and we sign, seal and verify. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { headerEnd, parseHeader } from '../../src/mail/header.ts'
import { ArcSealer } from '../../src/trust/arc/seal.ts'
import { ArcVerifier } from '../../src/trust/arc/verify.ts'
import { DkimSigner, type DkimSigningKey, type DkimSignOptions } from '../../src/trust/dkim/sign.ts'
import { DkimVerifier } from '../../src/trust/dkim/verify.ts'

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ed25519 = generateKeyPairSync('ed25519')
const der = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

export const records: Readonly<Record<string, string>> = {
  'r._domainkey.example.org': `v=DKIM1; k=rsa; p=${der(rsa.publicKey).toString('base64')}`,
  'e._domainkey.example.org': `v=DKIM1; k=ed25519; p=${der(ed25519.publicKey).subarray(-32).toString('base64')}`,
}

export const rsaPem = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()

export const keys: readonly DkimSigningKey[] = [
  { domain: 'example.org', selector: 'r', key: rsa.privateKey },
  { domain: 'example.org', selector: 'e', key: ed25519.privateKey },
]

export const dns = {
  txt: async (name: string) =>
    records[name] === undefined
      ? ({ kind: 'none', nameExists: false } as const)
      : ({ kind: 'found', records: [records[name]] } as const),
}

/** White space of every kind, since canonical forms are about that. */
export const messages = [
  'From: a@example.org\r\nTo: b@example.net\r\nSubject: plain\r\nDate: Fri, 2 Jan 2026 00:00:00 +0000\r\n\r\nHello\r\n',
  'From: "A  B" <a@example.org>\r\nTO:b@example.net\r\nSubject:  folded\r\n\tand  wide \r\nDate: Fri, 2 Jan 2026 00:00:00 +0000\r\n\r\n two  spaces \t\r\n\r\n\ttab\r\n\r\n\r\n',
  'From: a@example.org\r\nSubject: empty\r\nDate: Fri, 2 Jan 2026 00:00:00 +0000\r\n\r\n',
].map((text) => Buffer.from(text))

export const forms = ['simple', 'relaxed'] as const

/** Signed by us. */
export async function signed(
  message: Buffer,
  with_: readonly DkimSigningKey[],
  options: Omit<DkimSignOptions, 'nowMs'> = {},
): Promise<Buffer> {
  const start = headerEnd(message, 0, message.length)
  const signer = new DkimSigner(parseHeader(message, 0, start), with_, { ...options, nowMs: Date.now() })
  signer.write(message.subarray(start))
  return Buffer.concat([Buffer.from(await signer.end(), 'latin1'), message])
}

/** What we find, signature by signature. */
export async function verified(message: Buffer): Promise<string[]> {
  const start = headerEnd(message, 0, message.length)
  const verifier = new DkimVerifier(parseHeader(message, 0, start))
  verifier.write(message.subarray(start))
  return (await verifier.end(dns, Date.now())).map(
    ({ result, problem }) => `${result}${problem ? ` (${problem})` : ''}`,
  )
}

export async function arcResult(message: Buffer): Promise<string> {
  const start = headerEnd(message, 0, message.length)
  const verifier = new ArcVerifier(parseHeader(message, 0, start))
  verifier.write(message.subarray(start))
  const { result, problem } = await verifier.end(dns)
  return problem === undefined ? result : `${result} (${problem})`
}

/** Sealed by us, with what its chain was when it came. */
export async function sealed(message: Buffer): Promise<Buffer> {
  const start = headerEnd(message, 0, message.length)
  const header = parseHeader(message, 0, start)
  const verifier = new ArcVerifier(header)
  verifier.write(message.subarray(start))
  const chain = await verifier.end(dns)
  const results = 'example.org; spf=pass smtp.mailfrom=a@example.org'
  const sealer = new ArcSealer(header, keys[0]!, { results, chain, nowMs: Date.now() })
  sealer.write(message.subarray(start))
  return Buffer.concat([Buffer.from(await sealer.end(), 'latin1'), message])
}
