/** ARC sets of a header: three fields an instance, in an unbroken row. RFC 8617 §4, §5.2. */
import type { Header, HeaderField } from '../../mail/header.ts'
import type { Canonicalization } from '../dkim/canonical.ts'
import { decodeTagBase64, parseTags } from '../dkim/tags.ts'

/** RFC 8617 §4.2.1: more hops than this are no path of a message. */
export const instancesMax = 50

/** What a seal and a message signature have in common. */
export interface ArcSignature {
  readonly instance: number
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256'
  readonly signature: Uint8Array
  readonly domain: string
  readonly selector: string
  /** The field as it stands. */
  readonly raw: string
}

export interface ArcMessageSignature extends ArcSignature {
  readonly bodyHash: Uint8Array
  readonly headerForm: Canonicalization
  readonly bodyForm: Canonicalization
  readonly fields: readonly string[]
  readonly bodyLength: number | undefined
}

export interface ArcSeal extends ArcSignature {
  readonly chain: 'none' | 'pass' | 'fail'
}

export interface ArcSet {
  readonly instance: number
  /** ARC-Authentication-Results as it stands. */
  readonly results: string
  readonly message: ArcMessageSignature
  readonly seal: ArcSeal
}

/** The sets by instance; [] where there are none; a problem where they are no chain. */
export function arcSets(header: Header): readonly ArcSet[] | { readonly problem: string } {
  const results = header.all('arc-authentication-results')
  const messages = header.all('arc-message-signature')
  const seals = header.all('arc-seal')
  if (results.length + messages.length + seals.length === 0) return []
  if (Math.max(results.length, messages.length, seals.length) > instancesMax)
    return { problem: `there are more than ${instancesMax} sets` }
  if (results.length !== messages.length || messages.length !== seals.length) return { problem: 'a set is not whole' }
  try {
    const byInstance = <T>(
      fields: readonly HeaderField[],
      read: (raw: string) => { instance: number; value: T },
    ): Map<number, T> => {
      const found = new Map<number, T>()
      for (const field of fields) {
        const { instance, value } = read(header.raw(field))
        if (found.has(instance)) throw new ArcSyntax(`instance ${instance} stands twice`)
        found.set(instance, value)
      }
      return found
    }
    const found = {
      results: byInstance(results, (raw) => ({ instance: instanceOfResults(raw), value: raw })),
      messages: byInstance(messages, (raw) => withInstance(parseMessageSignature(raw))),
      seals: byInstance(seals, (raw) => withInstance(parseSeal(raw))),
    }
    return Array.from({ length: seals.length }, (_, at) => {
      const instance = at + 1
      const parts = [found.results.get(instance), found.messages.get(instance), found.seals.get(instance)] as const
      if (parts.includes(undefined)) throw new ArcSyntax(`instance ${instance} is missing`)
      const [own, message, seal] = parts as [string, ArcMessageSignature, ArcSeal]
      return { instance, results: own, message, seal }
    })
  } catch (error) {
    if (error instanceof ArcSyntax) return { problem: error.message }
    throw error
  }
}

class ArcSyntax extends Error {}

function withInstance<T extends ArcSignature>(value: T): { instance: number; value: T } {
  return { instance: value.instance, value }
}

function valueOf(raw: string): string {
  return raw.slice(raw.indexOf(':') + 1)
}

function instanceOf(text: string | undefined): number {
  if (text === undefined || !/^\d{1,2}$/.test(text) || Number(text) < 1 || Number(text) > instancesMax)
    throw new ArcSyntax(`i=${text ?? ''} is no instance`)
  return Number(text)
}

/** `i=1; …` before what Authentication-Results has. RFC 8617 §4.1.1. */
function instanceOfResults(raw: string): number {
  const match = /^\s*i\s*=\s*(\d+)\s*;/i.exec(valueOf(raw))
  return instanceOf(match?.[1])
}

function tagsOf(raw: string, what: string): ReadonlyMap<string, string> {
  const tags = parseTags(valueOf(raw))
  if (!tags) throw new ArcSyntax(`${what} is no list of tags`)
  return tags
}

function signatureOf(raw: string, tags: ReadonlyMap<string, string>, what: string): ArcSignature {
  const algorithm = tags.get('a')?.toLowerCase()
  if (algorithm !== 'rsa-sha256' && algorithm !== 'ed25519-sha256')
    throw new ArcSyntax(`${what}: a=${algorithm ?? ''} is unknown`)
  const signature = decodeTagBase64(tags.get('b') ?? '')
  if (!signature) throw new ArcSyntax(`${what}: b= is missing or no base64`)
  const domain = tags.get('d')?.toLowerCase()
  const selector = tags.get('s')?.toLowerCase()
  if (!domain || !selector || /[^\w.\u0080-\uffff-]/.test(domain + selector))
    throw new ArcSyntax(`${what}: d= or s= is no name`)
  const time = tags.get('t')
  if (time !== undefined && !/^\d{1,15}$/.test(time)) throw new ArcSyntax(`${what}: t= is no number`)
  return { instance: instanceOf(tags.get('i')), algorithm, signature, domain, selector, raw }
}

/**
 * As DKIM-Signature, but i= is the instance and there is no v=. RFC 8617 §4.1.2.
 * Departs: RFC 6376 §3.5, because those who write no c= here mean relaxed, as the suite of ARC's makers has it.
 */
function parseMessageSignature(raw: string): ArcMessageSignature {
  const what = 'ARC-Message-Signature'
  const tags = tagsOf(raw, what)
  const bodyHash = decodeTagBase64(tags.get('bh') ?? '')
  if (!bodyHash) throw new ArcSyntax(`${what}: bh= is missing or no base64`)
  const [headerForm = '', bodyForm = 'simple'] = (tags.get('c') ?? 'relaxed/relaxed').toLowerCase().split('/')
  for (const form of [headerForm, bodyForm])
    if (form !== 'simple' && form !== 'relaxed') throw new ArcSyntax(`${what}: c= is unknown`)
  const fields = (tags.get('h') ?? '').split(':').map((name) => name.replace(/\s+/g, '').toLowerCase())
  if (fields.includes('arc-seal')) throw new ArcSyntax(`${what} signs a seal`)
  if (!fields.includes('from')) throw new ArcSyntax(`${what} does not sign From`)
  const length = tags.get('l')
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new ArcSyntax(`${what}: l= is no number`)
  return {
    ...signatureOf(raw, tags, what),
    bodyHash,
    headerForm: headerForm as Canonicalization,
    bodyForm: bodyForm as Canonicalization,
    fields,
    bodyLength: length === undefined ? undefined : Number(length),
  }
}

/** RFC 8617 §4.1.3: no h=, since what it signs is given. */
function parseSeal(raw: string): ArcSeal {
  const what = 'ARC-Seal'
  const tags = tagsOf(raw, what)
  const chain = tags.get('cv')?.toLowerCase()
  if (chain !== 'none' && chain !== 'pass' && chain !== 'fail')
    throw new ArcSyntax(`${what}: cv=${chain ?? ''} is unknown`)
  if (tags.has('h')) throw new ArcSyntax(`${what} has h=`)
  return { ...signatureOf(raw, tags, what), chain }
}
