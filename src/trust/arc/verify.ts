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
    const problem = await this.#messageProblem(newest, dns)
    if (problem !== undefined) return fail(problem)
    const raws = sets.map((set) => ({ results: set.results, message: set.message.raw, seal: set.seal.raw }))
    const seals = await Promise.all(
      sets.map(({ seal }, at) => this.#problemOf(seal, sealedData(raws.slice(0, at + 1)), dns)),
    )
    const broken = seals.findLastIndex((one) => one !== undefined)
    return broken < 0 ? { result: 'pass', sets } : fail(`ARC-Seal of instance ${broken + 1}: ${seals[broken]}`)
  }

  /** Without a word about those before it: all sets, where the newest one holds over the message; none where it does not. */
  async newest(dns: DkimDns): Promise<readonly ArcSet[]> {
    const sets = 'problem' in this.#sets ? [] : this.#sets
    const newest = sets.at(-1)
    if (!newest || (await this.#messageProblem(newest, dns)) !== undefined) return []
    // A broken chain is sealed as if the last were its only set. RFC 8617 §5.1.2.
    const sealed = newest.seal.chain === 'fail' ? [newest] : sets
    const data = sealedData(
      sealed.map(({ results, message, seal }) => ({ results, message: message.raw, seal: seal.raw })),
    )
    return (await this.#problemOf(newest.seal, data, dns)) === undefined ? sets : []
  }

  async #messageProblem({ message }: ArcSet, dns: DkimDns): Promise<string | undefined> {
    const body = this.#body!
    const { bodyLength, headerForm, fields, raw } = message
    if (!body.end().equals(Buffer.from(message.bodyHash))) return 'the body was changed'
    if (bodyLength !== undefined && body.length > bodyLength) return 'the body goes on behind what l= signs'
    const own = canonicalField(withoutSignature(raw), headerForm).replace(/\r\n$/, '')
    const problem = await this.#problemOf(message, signedFields(this.#header, fields, headerForm) + own, dns)
    return problem === undefined ? undefined : `ARC-Message-Signature: ${problem}`
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
