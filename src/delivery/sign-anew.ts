/** Signs and seals again what we had to convert to 7 bits on its way out. RFC 6376 §5.3, RFC 8617 §5.1. */
import { bytesOf } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { headerEnd, parseHeader, type Header } from '../mail/header.ts'
import type { StoreReads } from '../store/store.ts'
import { ArcSealer } from '../trust/arc/seal.ts'
import { ArcVerifier } from '../trust/arc/verify.ts'
import { parseDkimSignature } from '../trust/dkim/signature.ts'
import { DkimSigner } from '../trust/dkim/sign.ts'
import { DkimVerifier, signaturesMax, type DkimDns } from '../trust/dkim/verify.ts'
import { ownKeys, type SigningKeys } from './signing.ts'

interface Tools {
  readonly store: { readonly read: StoreReads }
  readonly signingKeys: SigningKeys
  readonly clock: Clock
}

/** Fields of a header, as raw text, and their replacement. */
interface Replacement {
  readonly old: readonly string[]
  readonly fresh: string
}

/**
 * Replaces only signatures of ours that were valid before: a forged one is not made valid.
 * @param before the stored message. @param after the same, converted.
 */
export async function signAnew(tools: Tools, before: Uint8Array, after: Uint8Array): Promise<Uint8Array> {
  const bodyStart = headerEnd(before, 0, before.length)
  const header = parseHeader(before, 0, bodyStart)
  if (!header.has('dkim-signature') && !header.has('arc-seal')) return after
  const body = before.subarray(bodyStart)
  const dns = ownKeys(tools.store.read)
  const afterStart = headerEnd(after, 0, after.length)
  const converted = { header: parseHeader(after, 0, afterStart), body: after.subarray(afterStart) }
  const replacements = [
    ...(await signatures(tools, { header, body, dns }, converted)),
    ...(await seal(tools, { header, body, dns }, converted)),
  ]
  if (replacements.length === 0) return after
  return Buffer.concat([bytesOf(replaced(converted.header, replacements)), converted.body])
}

interface Message {
  readonly header: Header
  readonly body: Uint8Array
}

type Signed = Message & { readonly dns: DkimDns }

/** Signatures of each domain of ours: made again with its present keys, over the same fields. */
async function signatures({ signingKeys, clock }: Tools, was: Signed, now: Message): Promise<Replacement[]> {
  const verifier = new DkimVerifier(was.header)
  if (verifier.isEmpty) return []
  verifier.write(was.body)
  const nowMs = clock.now()
  const verdicts = await verifier.end(was.dns, nowMs)
  const held = new Map<string, { old: string[]; fields: readonly string[] }>()
  for (const [at, field] of was.header.all('dkim-signature').slice(0, signaturesMax).entries()) {
    if (verdicts[at]!.result !== 'pass') continue
    const raw = was.header.raw(field)
    const signature = parseDkimSignature(was.header.value(field))
    if ('problem' in signature) continue
    const { domain, fields } = signature
    const same = held.get(domain)
    if (same) same.old.push(raw)
    else held.set(domain, { old: [raw], fields: [...new Set(fields)] })
  }
  return Promise.all(
    [...held].map(async ([domain, { old, fields }]) => {
      const keys = await signingKeys.of(domain)
      const signer = new DkimSigner(now.header, keys, { nowMs, fields })
      signer.write(now.body)
      return { old, fresh: await signer.end() }
    }),
  )
}

/** Only the newest set covers the body; earlier ones need not be valid for it any more. RFC 8617 §5.2. */
async function seal({ signingKeys, clock }: Tools, was: Signed, now: Message): Promise<Replacement[]> {
  const verifier = new ArcVerifier(was.header)
  if (verifier.isEmpty) return []
  verifier.write(was.body)
  const sets = await verifier.newest(was.dns)
  const own = sets.at(-1)
  const [key] = own ? await signingKeys.of(own.seal.domain) : []
  if (!own || !key) return []
  const sealer = new ArcSealer(now.header, key, {
    results: own.results.slice(own.results.indexOf(';') + 1),
    chain: { result: own.seal.chain, sets: sets.slice(0, -1) },
    nowMs: clock.now(),
  })
  sealer.write(now.body)
  return [{ old: [own.seal.raw, own.message.raw, own.results], fresh: await sealer.end() }]
}

/** The header, with each replacement where the first of its old fields stood. */
function replaced(header: Header, replacements: readonly Replacement[]): string {
  const pieces: string[] = []
  let from = 0
  const put = new Set<Replacement>()
  for (const field of header.fields) {
    const raw = header.raw(field)
    const one = replacements.find(({ old }) => old.includes(raw))
    if (!one) continue
    pieces.push(header.text.slice(from, field.start), put.has(one) ? '' : one.fresh)
    put.add(one)
    from = field.end
  }
  return pieces.join('') + header.text.slice(from)
}
