/** Whether a host may send in the name of a domain: check_host(). RFC 7208 §4. */
import { networksHold, parseIpAddress } from '../../base/ip-network.ts'
import type { DnsOutcome, MxRecord } from '../../base/resolver.ts'
import { expandDomain, expandMacros, type MacroFacts } from './macro.ts'
import { isSpfRecord, parseSpfRecord, SpfSyntax, type Directive, type Mechanism, type SpfRecord } from './record.ts'

/** The DNS queries of SPF. */
export interface SpfDns {
  txt(name: string): Promise<DnsOutcome<string>>
  mx(name: string): Promise<DnsOutcome<MxRecord>>
  addresses(name: string, family: 4 | 6): Promise<DnsOutcome<string>>
  /** The names of an address. */
  reverse(address: string): Promise<DnsOutcome<string>>
}

export type SpfResult = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror'

export interface SpfQuestion {
  readonly ip: string
  /** The reverse-path; '' for the null one: HELO is then checked instead. RFC 7208 §2.4. */
  readonly mailFrom: string
  readonly helo: string
  /** Our host name, for explanations (macro `r`). */
  readonly receiver: string
  readonly nowMs: number
}

export interface SpfVerdict {
  readonly result: SpfResult
  /** The domain that was checked. */
  readonly domain: string
  /** `mailfrom` or `helo`. */
  readonly identity: 'mailfrom' | 'helo'
  /** The directive that decided, as in the record. */
  readonly mechanism?: string
  /** Why there is no better result, in words. */
  readonly problem?: string
  /** The domain's explanation of a fail. Not to be trusted: the domain's owner wrote it. RFC 7208 §6.2. */
  readonly explanation?: string
}

// Counted across includes, or a chain of records could use us to flood a resolver. RFC 7208 §4.6.4.
const dnsLookupsMax = 10
/** Look-ups without a result. RFC 7208 §4.6.4. */
const voidLookupsMax = 2
/** Names that are followed for one mx or ptr. RFC 7208 §4.6.4. */
const namesMax = 10

type PermError = { readonly kind: 'permerror' | 'temperror'; readonly problem: string }

class SpfEnd extends Error {
  readonly end: PermError
  constructor(kind: PermError['kind'], problem: string) {
    super(problem)
    this.end = { kind, problem }
  }
}

export async function checkSpf(question: SpfQuestion, dns: SpfDns): Promise<SpfVerdict> {
  const identity = question.mailFrom === '' ? 'helo' : 'mailfrom'
  const given = identity === 'helo' ? `postmaster@${question.helo}` : question.mailFrom
  const at = given.lastIndexOf('@')
  const domain = given.slice(at + 1).replace(/\.$/, '')
  const sender = `${given.slice(0, Math.max(0, at)) || 'postmaster'}@${domain}`
  const check = new Check(question, sender, dns)
  const verdict = await check.host(domain)
  const explanation = verdict.result === 'fail' ? await check.explanation() : undefined
  return { ...verdict, domain, identity, ...(explanation === undefined ? {} : { explanation }) }
}

type Found = Pick<SpfVerdict, 'result' | 'mechanism' | 'problem'>

class Check {
  readonly #question: SpfQuestion
  readonly #sender: string
  readonly #dns: SpfDns
  readonly #family: 4 | 6
  #lookups = 0
  #voids = 0
  /** The record that gave the fail, and its domain: its exp= is used. */
  #failed: { readonly record: SpfRecord; readonly domain: string } | undefined

  constructor(question: SpfQuestion, sender: string, dns: SpfDns) {
    this.#question = question
    this.#sender = sender
    this.#dns = dns
    this.#family = parseIpAddress(question.ip)?.length === 16 ? 6 : 4
  }

  async host(domain: string): Promise<Found> {
    try {
      return await this.#host(domain, true)
    } catch (error) {
      if (error instanceof SpfEnd) return { result: error.end.kind, problem: error.end.problem }
      throw error
    }
  }

  async #host(domain: string, outermost: boolean): Promise<Found> {
    if (!isUsable(domain)) return { result: 'none', problem: `"${domain}" is no domain that can have a record` }
    const outcome = await this.#dns.txt(domain)
    if (outcome.kind === 'failed') throw new SpfEnd('temperror', `no answer about ${domain} (${outcome.reason})`)
    const records = outcome.kind === 'found' ? outcome.records.filter(isSpfRecord) : []
    if (records.length === 0) return { result: 'none', problem: `${domain} has no SPF record` }
    if (records.length > 1) throw new SpfEnd('permerror', `${domain} has ${records.length} SPF records`)
    const record = parse(records[0]!, domain)
    for (const directive of record.directives) {
      if (!(await this.#matches(directive.mechanism, domain))) continue
      return this.#decided(directive, record, domain, outermost)
    }
    if (record.redirect === undefined) return { result: 'neutral', problem: `no mechanism of ${domain} fits` }
    this.#countLookup()
    const target = await expandDomain(record.redirect, this.#facts(domain))
    const found = await this.#host(target, outermost)
    if (found.result === 'none') throw new SpfEnd('permerror', `redirect points to ${target}, which has no record`)
    return found
  }

  #decided(directive: Directive, record: SpfRecord, domain: string, outermost: boolean): Found {
    // The explanation of an included domain is not used. RFC 7208 §6.2.
    if (directive.qualifier === 'fail' && outermost) this.#failed = { record, domain }
    return { result: directive.qualifier, mechanism: directive.text }
  }

  #facts(domain: string): MacroFacts {
    const { ip, helo, receiver, nowMs } = this.#question
    return {
      sender: this.#sender,
      domain,
      ip,
      helo,
      receiver,
      nowMs,
      validatedName: () => this.#validatedName(domain),
    }
  }

  #countLookup(): void {
    if (++this.#lookups > dnsLookupsMax) throw new SpfEnd('permerror', `more than ${dnsLookupsMax} look-ups are needed`)
  }

  /** The records of an outcome; an empty one counts as a void look-up. */
  #records<T>(outcome: DnsOutcome<T>, name: string): readonly T[] {
    if (outcome.kind === 'failed') throw new SpfEnd('temperror', `no answer about ${name} (${outcome.reason})`)
    if (outcome.kind === 'found') return outcome.records
    if (++this.#voids > voidLookupsMax)
      throw new SpfEnd('permerror', `more than ${voidLookupsMax} look-ups found nothing`)
    return []
  }

  async #matches(mechanism: Mechanism, domain: string): Promise<boolean> {
    const { ip } = this.#question
    switch (mechanism.kind) {
      case 'all':
        return true
      case 'ip':
        return networksHold([mechanism.network], ip)
      case 'include':
        return this.#include(mechanism.domain, domain)
      case 'exists': {
        this.#countLookup()
        const name = await expandDomain(mechanism.domain, this.#facts(domain))
        return isUsable(name) && this.#records(await this.#dns.addresses(name, 4), name).length > 0
      }
      case 'a': {
        this.#countLookup()
        const name = await this.#target(mechanism.domain, domain)
        return isUsable(name) && this.#holds(await this.#addresses(name, true), mechanism)
      }
      case 'mx':
        return this.#mx(mechanism, domain)
      case 'ptr': {
        this.#countLookup()
        const name = await this.#target(mechanism.domain, domain)
        const names = await this.#validatedNames()
        return names.some((one) => isBelow(one, name))
      }
    }
  }

  async #target(spec: string | undefined, domain: string): Promise<string> {
    return spec === undefined ? domain : expandDomain(spec, this.#facts(domain))
  }

  async #addresses(name: string, counts: boolean): Promise<readonly string[]> {
    const outcome = await this.#dns.addresses(name, this.#family)
    if (!counts && outcome.kind === 'none') return []
    return this.#records(outcome, name)
  }

  #holds(addresses: readonly string[], { bits4, bits6 }: { readonly bits4: number; readonly bits6: number }): boolean {
    const prefixBits = this.#family === 4 ? bits4 : bits6
    const networks = addresses.flatMap((address) => {
      const bytes = parseIpAddress(address)
      return bytes ? [{ bytes, prefixBits }] : []
    })
    return networks.some((network) => networksHold([masked(network.bytes, prefixBits)], this.#question.ip))
  }

  async #include(spec: string, domain: string): Promise<boolean> {
    this.#countLookup()
    const name = await expandDomain(spec, this.#facts(domain))
    const { result } = await this.#host(name, false)
    if (result === 'none') throw new SpfEnd('permerror', `include points to ${name}, which has no record`)
    return result === 'pass'
  }

  async #mx(mechanism: Extract<Mechanism, { kind: 'a' | 'mx' }>, domain: string): Promise<boolean> {
    this.#countLookup()
    const name = await this.#target(mechanism.domain, domain)
    if (!isUsable(name)) return false
    const hosts = this.#records(await this.#dns.mx(name), name)
    if (hosts.length > namesMax) throw new SpfEnd('permerror', `${name} has more than ${namesMax} mail hosts`)
    for (const { exchange } of hosts) {
      if (exchange === '') continue
      if (this.#holds(await this.#addresses(exchange, true), mechanism)) return true
    }
    return false
  }

  /** Names of the address that resolve back to it. A DNS failure is no match, and no error. RFC 7208 §5.5. */
  async #validatedNames(): Promise<string[]> {
    const { ip } = this.#question
    const outcome = await this.#dns.reverse(ip)
    if (outcome.kind !== 'found') return []
    const found: string[] = []
    for (const name of outcome.records.slice(0, namesMax)) {
      const addresses = await this.#dns.addresses(name, this.#family)
      if (addresses.kind === 'found' && addresses.records.some((address) => isSame(address, ip))) found.push(name)
    }
    return found
  }

  /** For the macro `p`: the domain itself, else a name below it, else any. RFC 7208 §7.3. */
  async #validatedName(domain: string): Promise<string> {
    const names = await this.#validatedNames()
    const same = names.find((name) => name.toLowerCase() === domain.toLowerCase())
    return same ?? names.find((name) => isBelow(name, domain)) ?? names[0] ?? 'unknown'
  }

  async explanation(): Promise<string | undefined> {
    const failed = this.#failed
    if (failed?.record.exp === undefined) return undefined
    const facts = this.#facts(failed.domain)
    try {
      const name = await expandDomain(failed.record.exp, facts)
      const outcome = await this.#dns.txt(name)
      if (outcome.kind !== 'found' || outcome.records.length !== 1) return undefined
      const [text] = outcome.records
      // Explanations are ASCII; an invalid macro makes them void. RFC 7208 §6.2.
      if (/[^\x20-\x7e]/.test(text!) || /%(?!\{[slodiphcrtv]\d*r?[.\-+,/_=]*\}|[%_-])/i.test(text!)) return undefined
      return await expandMacros(text!, facts)
    } catch {
      return undefined
    }
  }
}

function parse(text: string, domain: string): SpfRecord {
  try {
    return parseSpfRecord(text)
  } catch (error) {
    if (error instanceof SpfSyntax) throw new SpfEnd('permerror', `${domain}: ${error.message}`)
    throw error
  }
}

/** A name that can be looked up: at least two labels of 1 to 63 characters. RFC 7208 §4.3. */
function isUsable(domain: string): boolean {
  if (domain.length > 253) return false
  const labels = domain.split('.')
  return labels.length > 1 && labels.every((label) => label.length > 0 && label.length <= 63) && !/[[\]]/.test(domain)
}

function isBelow(name: string, domain: string): boolean {
  const [one, other] = [name.toLowerCase().replace(/\.$/, ''), domain.toLowerCase()]
  return one === other || one.endsWith(`.${other}`)
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [parseIpAddress(one), parseIpAddress(other)]
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0
}

function masked(bytes: Uint8Array, prefixBits: number): { bytes: Uint8Array; prefixBits: number } {
  const kept = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixBits - i * 8))))
  return { bytes: kept, prefixBits: Math.min(prefixBits, bytes.length * 8) }
}
