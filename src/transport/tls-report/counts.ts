/** Counts the results of connections to other domains, by day, domain and policy. RFC 8460 §4.2, §4.3. */
import type { Clock } from '../../base/clock.ts'
import type { NotedPolicy, TlsFailure, TlsNotes } from '../smtp/tls-notes.ts'
import type { Host } from '../route.ts'

export interface FailureCount {
  readonly type: TlsFailure
  readonly mx: string
  /** Remote and local address, if connected. */
  readonly address?: string
  readonly localAddress?: string
  readonly reason?: string
  count: number
}

/** Counts under one policy of a domain. */
export interface PolicyCount {
  readonly type: NotedPolicy['type']
  /** The policy's text. RFC 8460 §4.5. */
  readonly text: readonly string[]
  readonly mx: readonly string[]
  good: number
  bad: number
  readonly failures: FailureCount[]
}

/** Domains of a day. More are not counted, to bound memory: reports are optional. */
const domainsMax = 2000
/** Policies of a domain in a day: one that changes hourly has 24. */
const policiesMax = 30
/** Kinds of failures under one policy; more are only counted in the sum. */
const failuresMax = 100
/** Names in certificates may have any length. */
const reasonMax = 200
/** Days with reports still to send: after the second one there are no more attempts. RFC 8460 §5.5. */
const daysMax = 3

const dayMs = 86_400_000

/** `2024-01-15`, in UTC. RFC 8460 §4.4. */
export function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10)
}

export function dayStartMs(day: string): number {
  return Date.parse(`${day}T00:00:00Z`)
}

export function dayEndMs(day: string): number {
  return dayStartMs(day) + dayMs
}

export class TlsCounts implements TlsNotes {
  readonly #clock: Clock
  readonly #days = new Map<string, Map<string, PolicyCount[]>>()
  /** Set by each change; the caller resets it. */
  changed = false

  /** @param kept the result of `toText` in an earlier process. */
  constructor(clock: Clock, kept?: string) {
    this.#clock = clock
    if (kept === undefined || kept === '') return
    for (const [day, domains] of Object.entries(JSON.parse(kept) as Record<string, Record<string, PolicyCount[]>>))
      this.#days.set(day, new Map(Object.entries(domains)))
  }

  note: TlsNotes['note'] = ({ domain, name: mx }, noted, type, more = {}) => {
    if (domain === undefined) return
    const count = this.#countOf(domain, noted)
    if (!count) return
    this.changed = true
    if (type === undefined) {
      count.good++
      return
    }
    count.bad++
    const { address, localAddress } = more
    const reason = more.reason?.slice(0, reasonMax)
    const known = count.failures.find(
      (one) =>
        one.type === type &&
        one.mx === mx &&
        one.address === address &&
        one.localAddress === localAddress &&
        one.reason === reason,
    )
    if (known) known.count++
    else if (count.failures.length < failuresMax)
      count.failures.push({ type, mx, address, localAddress, reason, count: 1 })
  }

  #countOf(domain: string, noted: NotedPolicy): PolicyCount | undefined {
    const day = dayOf(this.#clock.now())
    let domains = this.#days.get(day)
    if (!domains) {
      this.#days.set(day, (domains = new Map()))
      if (this.#days.size > daysMax) this.#days.delete([...this.#days.keys()].sort()[0]!)
    }
    let counts = domains.get(domain)
    if (!counts) {
      if (domains.size >= domainsMax) return undefined
      domains.set(domain, (counts = []))
    }
    const text = policyText(noted)
    const key = text.join('\n')
    const known = counts.find((one) => one.type === noted.type && one.text.join('\n') === key)
    if (known || counts.length >= policiesMax) return known
    const mx = noted.type === 'sts' ? noted.policy.mx : []
    const count: PolicyCount = { type: noted.type, text, mx, good: 0, bad: 0, failures: [] }
    counts.push(count)
    return count
  }

  /** Days that are over, and their domains. */
  finished(): { readonly day: string; readonly domain: string; readonly policies: readonly PolicyCount[] }[] {
    const today = dayOf(this.#clock.now())
    return [...this.#days].flatMap(([day, domains]) =>
      day < today ? [...domains].map(([domain, policies]) => ({ day, domain, policies })) : [],
    )
  }

  forget(day: string, domain: string): void {
    const domains = this.#days.get(day)
    domains?.delete(domain)
    if (domains?.size === 0) this.#days.delete(day)
    this.changed = true
  }

  toText(): string {
    return JSON.stringify(
      Object.fromEntries([...this.#days].map(([day, domains]) => [day, Object.fromEntries(domains)])),
    )
  }
}

function policyText(noted: NotedPolicy): string[] {
  switch (noted.type) {
    case 'no-policy-found':
      return []
    case 'tlsa':
      return noted.records.map(
        ({ usage, selector, matching, data }) =>
          `${usage} ${selector} ${matching} ${Buffer.from(data).toString('hex').toUpperCase()}`,
      )
    case 'sts': {
      const { mode, mx, maxAgeS } = noted.policy
      return ['version: STSv1', `mode: ${mode}`, ...mx.map((host) => `mx: ${host}`), `max_age: ${maxAgeS}`]
    }
  }
}

/** Notes nothing while reports are disabled, nor connections that ignored policies. */
export function notesWhile(counts: TlsCounts, wanted: () => boolean): TlsNotes {
  return {
    note(host: Host, ...rest) {
      // RFC 8460 §3: sessions that carried a report are not reported.
      if (wanted() && host.demand !== 'tlsOptional') counts.note(host, ...rest)
    },
  }
}
