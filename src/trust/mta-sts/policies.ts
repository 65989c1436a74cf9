/** MTA-STS policies of the domains that we send to: fetched, kept for their max_age, refreshed daily. RFC 8461 §3.3, §5.1, §10.2. */
import type { Live } from '../../base/live.ts'
import type { Clock } from '../../base/clock.ts'
import { utf8 } from '../../base/bytes.ts'
import type { HttpClient } from '../../base/http-client.ts'
import type { Log } from '../../base/log.ts'
import type { Resolver } from '../../base/resolver.ts'
import { parseStsPolicy, parseStsRecord, type StsPolicy } from './policy.ts'

/** Where policies outlive the process. */
export interface StsKeep {
  read(domain: string): Promise<string | undefined>
  /** '' forgets it. */
  write(domain: string, text: string): Promise<void>
}

export interface StsTools {
  readonly resolver: Resolver
  readonly http: HttpClient
  readonly clock: Clock
  readonly log: Log
  readonly keep: StsKeep
  /** Authorities in addition to the well-known ones, PEM; read anew each time. */
  readonly authorities?: Live<readonly string[]>
}

export type FetchFailure = 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid'

export interface FoundPolicy {
  /** undefined: the domain has no usable policy now. */
  readonly policy?: StsPolicy
  /** Why the newest policy could not be fetched, as TLS reports name it. RFC 8460 §4.3. */
  readonly failure?: FetchFailure
}

interface Kept {
  readonly id: string
  readonly policy: StsPolicy
  readonly fetchedAtMs: number
}

/** RFC 8461 §3.3 suggests both. */
const fetchTimeoutMs = 60_000
const policyBytesMax = 65_536
/** RFC 8461 §3.3: five minutes or longer. */
const failureHoldMs = 5 * 60_000
/** RFC 8461 §3.3: a suggested refresh is once a day. */
const refreshAfterMs = 24 * 3600_000
/** Domains remembered at a time; others are read from the store again. */
const domainsMax = 1000

interface Failure {
  readonly id: string
  readonly atMs: number
  readonly type: FetchFailure
}

export class StsPolicies {
  readonly #tools: StsTools
  readonly #kept = new Map<string, Kept | undefined>()
  readonly #failed = new Map<string, Failure>()
  readonly #fetching = new Map<string, Promise<Kept | FetchFailure>>()

  constructor(tools: StsTools) {
    this.#tools = tools
  }

  async of(domain: string): Promise<FoundPolicy> {
    const { resolver, clock } = this.#tools
    const kept = await this.#live(domain)
    const found = await resolver.txt(`_mta-sts.${domain}`)
    const id = found.kind === 'found' ? parseStsRecord(found.records) : undefined
    // A missing record does not end a policy: an attacker who forges the DNS would remove it first. RFC 8461 §3.1.
    if (id === undefined) return { policy: kept?.policy }
    if (kept?.id === id) {
      // In the background: mail does not wait for the refresh of a valid policy.
      if (clock.now() - kept.fetchedAtMs > refreshAfterMs) void this.#fetch(domain, id)
      return { policy: kept.policy }
    }
    const fetched = await this.#fetch(domain, id)
    if (typeof fetched !== 'string') return { policy: fetched.policy }
    return { policy: (await this.#live(domain))?.policy, failure: fetched }
  }

  /** Refreshes policies that were not used lately: if they expired first, an attacker could use the gap. RFC 8461 §10.2. */
  async refresh(): Promise<void> {
    for (const [domain, kept] of this.#kept) {
      if (!kept || this.#tools.clock.now() - kept.fetchedAtMs <= refreshAfterMs) continue
      await this.of(domain)
    }
  }

  async #live(domain: string): Promise<Kept | undefined> {
    if (!this.#kept.has(domain)) {
      const read = readKept(await this.#tools.keep.read(domain))
      // Fetched meanwhile: that is newer.
      if (!this.#kept.has(domain)) remember(this.#kept, domain, read)
    }
    const kept = this.#kept.get(domain)
    if (!kept) return undefined
    if (this.#tools.clock.now() < kept.fetchedAtMs + kept.policy.maxAgeS * 1000) return kept
    remember(this.#kept, domain, undefined)
    this.#tools.keep.write(domain, '').catch(() => {})
    return undefined
  }

  /** One fetch at a time for a domain; after a failure none for a while. */
  #fetch(domain: string, id: string): Promise<Kept | FetchFailure> {
    const { clock } = this.#tools
    const failed = this.#failed.get(domain)
    if (failed && failed.id === id && clock.now() - failed.atMs < failureHoldMs) return Promise.resolve(failed.type)
    let fetching = this.#fetching.get(domain)
    if (!fetching) {
      fetching = this.#ask(domain, id).finally(() => this.#fetching.delete(domain))
      this.#fetching.set(domain, fetching)
    }
    return fetching
  }

  async #ask(domain: string, id: string): Promise<Kept | FetchFailure> {
    const { clock, log, keep } = this.#tools
    const fetched = await this.#download(domain)
    if ('problem' in fetched) {
      const { problem, type } = fetched
      remember(this.#failed, domain, { id, atMs: clock.now(), type })
      log.warn('MTA-STS policy could not be fetched', { domain, problem })
      return type
    }
    const kept: Kept = { id, policy: fetched.policy, fetchedAtMs: clock.now() }
    this.#failed.delete(domain)
    remember(this.#kept, domain, kept)
    await keep
      .write(domain, JSON.stringify(kept))
      .catch((error: unknown) => log.warn('MTA-STS policy could not be stored', { domain, error: String(error) }))
    return kept
  }

  async #download(
    domain: string,
  ): Promise<{ readonly policy: StsPolicy } | { readonly problem: string; readonly type: FetchFailure }> {
    const { resolver, http } = this.#tools
    const host = `mta-sts.${domain}`
    const addresses = await resolver.addresses(host)
    if (addresses.kind !== 'found') return { problem: `${host} has no address`, type: 'sts-policy-fetch-error' }
    let answer: Awaited<ReturnType<HttpClient['ask']>>
    try {
      answer = await http.ask({
        method: 'GET',
        url: `https://${host}/.well-known/mta-sts.txt`,
        addresses: addresses.records,
        authorities: this.#tools.authorities?.now,
        timeoutMs: fetchTimeoutMs,
        bytesMax: policyBytesMax,
      })
    } catch (error) {
      const { message, code = '' } = error as Error & { code?: string }
      const certificate = /CERT|SELF_SIGNED|ALTNAME|VERIFY/.test(code)
      return { problem: message, type: certificate ? 'sts-webpki-invalid' : 'sts-policy-fetch-error' }
    }
    if (answer.status !== 200) return { problem: `${host} answers ${answer.status}`, type: 'sts-policy-fetch-error' }
    if (answer.contentType !== undefined && !/^text\/plain[ \t]*(?:;|$)/i.test(answer.contentType))
      return { problem: `${host} answers ${answer.contentType}`, type: 'sts-policy-invalid' }
    const policy = parseStsPolicy(utf8(answer.body))
    return typeof policy === 'string' ? { problem: policy, type: 'sts-policy-invalid' } : { policy }
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > domainsMax) for (const oldest of map.keys()) return void map.delete(oldest)
}

function readKept(text: string | undefined): Kept | undefined {
  return text === undefined || text === '' ? undefined : (JSON.parse(text) as Kept)
}
