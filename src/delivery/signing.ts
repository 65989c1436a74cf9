/**
 * DKIM keys of our domains, kept in the store's settings: created, rotated with overlap, and used to sign our users'
 * mail. RFC 6376 §3.6, §5.
 */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { timePrefix } from '../store/arrival-id.ts'
import { StoreRefusal, type Store, type StoreReads } from '../store/store.ts'
import type { DkimDns } from '../trust/dkim/verify.ts'
import { loadSigningKey, type DkimSigningKey } from '../trust/dkim/sign.ts'

const generate = promisify(generateKeyPair)

/** A stored key. 'old' ones do not sign any more, but their records should stay published for a while. */
interface KeptKey {
  readonly selector: string
  readonly algorithm: 'rsa' | 'ed25519'
  readonly pem: string
  readonly state: 'active' | 'old'
  readonly createdMs: number
}

export interface DkimKeyRecord {
  readonly selector: string
  readonly state: KeptKey['state']
  readonly algorithm: KeptKey['algorithm']
  readonly createdMs: number
  /** Name and value of its DNS record. */
  readonly name: string
  readonly value: string
}

/** RFC 8301 §3.2 recommends 2048; longer ones do not fit a DNS answer over UDP. */
const rsaBits = 2048
/** Old keys that are still listed: messages they signed may be under way for some days. */
const oldKeysMax = 4

const settingName = (domain: string): string => `dkim ${domain}`

async function keptKeys(read: StoreReads, domain: string): Promise<readonly KeptKey[]> {
  return keysIn(await read.setting(settingName(domain)))
}

function keysIn(text: string | undefined): readonly KeptKey[] {
  return text === undefined ? [] : (JSON.parse(text) as KeptKey[])
}

/**
 * Creates an RSA and an Ed25519 key for a domain without keys; with `rotate`, new ones replace the old, which stay
 * published.
 */
export async function makeDkimKeys(store: Store, domain: string, nowMs: number, rotate = false): Promise<boolean> {
  const text = await store.read.setting(settingName(domain))
  const before = keysIn(text)
  if (before.length > 0 && !rotate) return false
  const [rsa, ed25519] = await Promise.all([
    generate('rsa', { modulusLength: rsaBits }),
    generate('ed25519', undefined),
  ])
  const pem = ({ privateKey }: { privateKey: KeyObject }): string =>
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const stamp = timePrefix(nowMs)
    .slice(0, 8)
    .replace(/[^a-z0-9]/g, '0')
  const made: KeptKey[] = [
    { selector: `r${stamp}`, algorithm: 'rsa', pem: pem(rsa), state: 'active', createdMs: nowMs },
    { selector: `e${stamp}`, algorithm: 'ed25519', pem: pem(ed25519), state: 'active', createdMs: nowMs },
  ]
  const old = before.map((key) => ({ ...key, state: 'old' as const })).slice(0, oldKeysMax)
  const value = JSON.stringify([...made, ...old])
  try {
    await store.commit([{ kind: 'settingSet', name: settingName(domain), value, expected: text ?? null }])
    return true
  } catch (error) {
    // Keys that were made meanwhile may be published already: they stay.
    if (error instanceof StoreRefusal && error.code === 'changed') return false
    throw error
  }
}

/** The DNS records of a domain's keys. */
export async function dkimRecords(read: StoreReads, domain: string): Promise<DkimKeyRecord[]> {
  return (await keptKeys(read, domain)).map(({ selector, state, algorithm, createdMs, pem }) => {
    const der = createPublicKey(createPrivateKey(pem)).export({ type: 'spki', format: 'der' })
    // RFC 8463 §4.2: the bare key, without its wrapping.
    const p = (algorithm === 'ed25519' ? der.subarray(-32) : der).toString('base64')
    const value = `v=DKIM1; k=${algorithm}; p=${p}`
    return { selector, state, algorithm, createdMs, name: `${selector}._domainkey.${domain}`, value }
  })
}

/** Answers DNS queries for our own keys, old ones too, from the store: to verify our own signatures. */
export function ownKeys(read: StoreReads): DkimDns {
  return {
    async txt(name) {
      const domain = /\._domainkey\.(.+)$/.exec(name)?.[1]
      const known = domain !== undefined && read.isLocalDomain(domain) ? await dkimRecords(read, domain) : []
      const records = known.flatMap((record) => (record.name === name ? [record.value] : []))
      return records.length > 0 ? { kind: 'found', records } : { kind: 'none', nameExists: false }
    },
  }
}

/** The signing keys of each domain, parsed once. */
export class SigningKeys {
  readonly #read: StoreReads
  readonly #loaded = new Map<string, { readonly text: string; readonly keys: readonly DkimSigningKey[] }>()

  constructor(read: StoreReads) {
    this.#read = read
  }

  async of(domain: string): Promise<readonly DkimSigningKey[]> {
    const text = await this.#read.setting(settingName(domain))
    if (text === undefined) return []
    const loaded = this.#loaded.get(domain)
    if (loaded?.text === text) return loaded.keys
    const keys = (JSON.parse(text) as KeptKey[])
      .filter(({ state }) => state === 'active')
      .map(({ selector, pem }) => loadSigningKey(domain, selector, pem))
    this.#loaded.set(domain, { text, keys })
    return keys
  }
}
