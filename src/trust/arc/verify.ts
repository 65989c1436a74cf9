/** Whether those who handed a message on vouch for it in an unbroken chain. RFC 8617 §5.2. */
import { createHash } from 'node:crypto'
import type { Header } from '../../mail/header.ts'
import { BodyDigest, canonicalField } from '../dkim/canonical.ts'
import { signedFields } from '../dkim/header-hash.ts'
import { parseDkimKey } from '../dkim/key.ts'
import { withoutSignature } from '../dkim/signature.ts'
import { verifyData, type DkimDns } from '../dkim/verify.ts'
import { arcSets, type ArcSet, type ArcSignature } from './chain.ts'

export interface ArcVerdict {
  readonly result: 'none' | 'pass' | 'fail'
  readonly problem?: string
  readonly sets: readonly ArcSet[]
}

/** As RFC 8301 has it for DKIM. */
const rsaBitsMin = 1024

/** The data that a seal signs: every set up to its own, in order, the seal itself without its signature. RFC 8617 §5.1.1. */
export function sealedData(
  sets: readonly { readonly results: string; readonly message: string; readonly seal: string }[],
): string {
  const last = sets.length - 1
  return sets
    .map(({ results, message, seal }, at) => {
      const own =
        at === last
          ? canonicalField(withoutSignature(seal), 'relaxed').replace(/\r\n$/, '')
          : canonicalField(seal, 'relaxed')
      return canonicalField(results, 'relaxed') + canonicalField(message, 'relaxed') + own
    })
    .join('')
}

/** One message: made with its header, fed with its body, asked at the end. */
export class ArcVerifier {
  readonly #header: Header
  readonly #sets: ReturnType<typeof arcSets>
  readonly #body: BodyDigest | undefined

  constructor(header: Header) {
    this.#header = header
    this.#sets = arcSets(header)
    const newest = 'problem' in this.#sets ? undefined : this.#sets.at(-1)?.message
    // Only the newest message signature has to hold: those before it may have been broken by changes since, rightly.
    this.#body = newest && new BodyDigest(createHash('sha256'), newest.bodyForm, newest.bodyLength)
  }

  get isEmpty(): boolean {
    return this.#body === undefined
  }

  write(bytes: Uint8Array): void {
    this.#body?.write(bytes)
  }

  async end(dns: DkimDns): Promise<ArcVerdict> {
    const sets = this.#sets
    if ('problem' in sets) return { result: 'fail', problem: sets.problem, sets: [] }
    const newest = sets.at(-1)
    if (!newest) return { result: 'none', sets }
    const fail = (problem: string): ArcVerdict => ({ result: 'fail', problem, sets })
    if (newest.seal.chain === 'fail') return fail('the last seal says that the chain is broken')
    for (const { instance, seal } of sets) {
      if (seal.chain !== (instance === 1 ? 'none' : 'pass'))
        return fail(`the seal of instance ${instance} says cv=${seal.chain}`)
    }
    const digest = this.#body!.end()
    if (!digest.equals(Buffer.from(newest.message.bodyHash))) return fail('the body was changed')
    if (newest.message.bodyLength !== undefined && this.#body!.length > newest.message.bodyLength)
      return fail('the body goes on behind what l= signs')
    const { message } = newest
    const own = canonicalField(withoutSignature(message.raw), message.headerForm).replace(/\r\n$/, '')
    const data = signedFields(this.#header, message.fields, message.headerForm) + own
    const problem = await this.#problemOf(message, data, dns)
    if (problem !== undefined) return fail(`ARC-Message-Signature: ${problem}`)
    const raws = sets.map((set) => ({ results: set.results, message: set.message.raw, seal: set.seal.raw }))
    const seals = await Promise.all(
      sets.map(({ seal }, at) => this.#problemOf(seal, sealedData(raws.slice(0, at + 1)), dns)),
    )
    const broken = seals.findLastIndex((one) => one !== undefined)
    return broken < 0 ? { result: 'pass', sets } : fail(`ARC-Seal of instance ${broken + 1}: ${seals[broken]}`)
  }

  async #problemOf(
    { domain, selector, algorithm, signature }: ArcSignature,
    data: string,
    dns: DkimDns,
  ): Promise<string | undefined> {
    const name = `${selector}._domainkey.${domain}`
    const outcome = await dns.txt(name)
    if (outcome.kind !== 'found') return `there is no key at ${name}`
    const key = parseDkimKey(outcome.records[0]!)
    if (key === 'revoked') return `the key at ${name} was revoked`
    if ('problem' in key) return key.problem
    if (key.kind !== algorithm.slice(0, algorithm.indexOf('-'))) return `the key at ${name} is of another kind`
    if (key.kind === 'rsa' && key.bits < rsaBitsMin) return `a key of ${key.bits} bits is no proof`
    return (await verifyData(Buffer.from(data, 'latin1'), key, signature)) ? undefined : 'it does not fit'
  }
}
