/** Adds our own ARC set to a chain: our results, a signature of the message as we relay it, and a seal over everything. RFC 8617 §5.1. */
import { createHash } from 'node:crypto'
import type { Header } from '../../mail/header.ts'
import { BodyDigest, canonicalField } from '../dkim/canonical.ts'
import { signedFields } from '../dkim/header-hash.ts'
import { fieldsToSign, signatureOf, type DkimSigningKey } from '../dkim/sign.ts'
import { sealedData } from './verify.ts'
import type { ArcVerdict } from './verify.ts'

export interface ArcSealOptions {
  /** `host; spf=pass …`: an Authentication-Results value, folds in it. */
  readonly results: string
  /** The verdict on the chain when the message arrived. */
  readonly chain: ArcVerdict
  readonly fields?: readonly string[]
  readonly nowMs: number
}

export class ArcSealer {
  readonly #header: Header
  readonly #key: DkimSigningKey
  readonly #options: ArcSealOptions
  readonly #body = new BodyDigest(createHash('sha256'), 'relaxed', undefined)

  constructor(header: Header, key: DkimSigningKey, options: ArcSealOptions) {
    this.#header = header
    this.#key = key
    this.#options = options
  }

  write(bytes: Uint8Array): void {
    this.#body.write(bytes)
  }

  /** The three fields, to be put on top; '' if the chain was already sealed as failed: then no further set is added. */
  async end(): Promise<string> {
    const { chain, nowMs, results: given } = this.#options
    const { domain, selector, key } = this.#key
    const last = chain.sets.at(-1)
    if (last?.seal.chain === 'fail') return ''
    const instance = chain.sets.length + 1
    const algorithm = key.asymmetricKeyType === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256'
    const seconds = Math.floor(nowMs / 1000)
    const results = `ARC-Authentication-Results: i=${instance}; ${given.trim()}\r\n`
    const names = (this.#options.fields ?? fieldsToSign).flatMap((name) => this.#header.all(name).map(() => name))
    const about = `c=relaxed/relaxed; d=${domain};\r\n h=${names.join(':\r\n  ')};\r\n i=${instance}; s=${selector}; t=${seconds}`
    const bodyHash = this.#body.end().toString('base64')
    const message = await signed('ARC-Message-Signature', algorithm, `bh=${bodyHash};\r\n ${about}`, (raw) => {
      const own = canonicalField(raw, 'relaxed').replace(/\r\n$/, '')
      return signatureOf(Buffer.from(signedFields(this.#header, names, 'relaxed') + own, 'latin1'), key)
    })
    const state = chain.result === 'none' ? 'none' : chain.result
    const before = chain.sets.map((set) => ({ results: set.results, message: set.message.raw, seal: set.seal.raw }))
    const seal = await signed(
      'ARC-Seal',
      algorithm,
      `cv=${state}; d=${domain}; i=${instance};\r\n s=${selector}; t=${seconds}`,
      (raw) => {
        // A broken chain is sealed as if ours were its only set. RFC 8617 §5.1.2.
        const sets = [...(state === 'fail' ? [] : before), { results, message, seal: raw }]
        return signatureOf(Buffer.from(sealedData(sets), 'latin1'), key)
      },
    )
    return seal + message + results
  }
}

/** Tags sorted by name, as in other programs; folded with spaces, since dkimpy looks for ` i=`. */
async function signed(
  name: string,
  algorithm: string,
  rest: string,
  sign: (raw: string) => Promise<Buffer>,
): Promise<string> {
  const start = `${name}: a=${algorithm};\r\n b=`
  const signature = (await sign(`${start};\r\n ${rest}\r\n`)).toString('base64')
  return `${start}${signature.replace(/.{72}(?=.)/g, '$&\r\n  ')};\r\n ${rest}\r\n`
}
