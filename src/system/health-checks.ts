/** The health checks: disk, rows, directory, DNS, certificates, queue, clock. */
import { X509Certificate } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { Counter } from '../base/metrics.ts'
import type { DnsOutcome, Resolver } from '../base/resolver.ts'
import type { Store } from '../store/store.ts'
import type { HealthCheck } from './health.ts'

/** Renewal is overdue at this remaining time. */
const certificateDaysMin = 14
const dayMs = 86_400_000
/** Due mail is tried at once; connection or rate limits make it wait, but hardly this long. */
const overdueMaxMs = 15 * 60_000
/**
 * The condition must last this long: leases are renewed in less, also when the clock was set forward past their end.
 */
const overdueSeenMs = 5 * 60_000
/** Time daemons step the clock by less, or slew it. */
const clockStepMaxMs = 60_000
/** Consecutive names without an answer: a single domain with broken servers is not our problem. */
const namesInVainMin = 5

/** Disk and rows, as reported by the store. */
export function storeChecks(store: Pick<Store, 'state'>): readonly HealthCheck[] {
  return [
    {
      name: 'disk',
      stopsMail: true,
      toldElsewhere: true,
      look: () => (store.state().full ? { problem: 'the disk is nearly full: no mail is taken' } : undefined),
    },
    {
      name: 'rows',
      stopsMail: true,
      toldElsewhere: true,
      look: () => (store.state().behind ? { problem: 'rows cannot be written: no mail is taken' } : undefined),
    },
  ]
}

/** How often the check itself queries a directory that does not answer. */
const probeEveryMs = 10_000

/**
 * Without the directory no recipient is known. The check queries it while it does not answer: a load balancer that
 * sends no clients to a system that is not ready would otherwise keep it so for ever.
 */
export function directoryCheck(
  { away, probe }: { away(): boolean; probe(): Promise<void> },
  clock: Pick<Clock, 'monotonic'>,
): HealthCheck {
  let probedMs = -Infinity
  return {
    name: 'directory',
    stopsMail: true,
    toldElsewhere: true,
    look() {
      if (!away()) return undefined
      if (clock.monotonic() - probedMs >= probeEveryMs) {
        probedMs = clock.monotonic()
        void probe()
      }
      return { problem: 'the LDAP directory does not answer: mail and sign-ins are deferred' }
    },
  }
}

/** @param shown the certificate (DER) in use. */
export function certificateCheck(shown: () => Uint8Array | undefined): HealthCheck & { endMs(): number | undefined } {
  let read: { readonly der: Uint8Array; readonly endMs: number } | undefined
  const endMs = (): number | undefined => {
    const der = shown()
    if (!der) return undefined
    if (read?.der !== der) read = { der, endMs: Date.parse(new X509Certificate(der).validTo) }
    return read.endMs
  }
  return {
    name: 'certificate',
    endMs,
    look(nowMs) {
      const end = endMs()
      if (end === undefined || end - nowMs > certificateDaysMin * dayMs) return undefined
      const problem = end <= nowMs ? 'the certificate has expired' : 'the certificate expires soon, and was not renewed'
      return { problem, facts: { expires: new Date(end).toISOString() } }
    },
  }
}

export function queueCheck(due: () => Promise<number | undefined>, clock: Pick<Clock, 'monotonic'>): HealthCheck {
  let sinceMs: number | undefined
  /** As read at the previous check. */
  let dueMs: number | undefined
  return {
    name: 'queue',
    look(nowMs) {
      due().then(
        (found) => (dueMs = found),
        () => {},
      )
      if (dueMs === undefined || nowMs - dueMs <= overdueMaxMs) {
        sinceMs = undefined
        return undefined
      }
      sinceMs ??= clock.monotonic()
      // After a clock that was set forward, all is overdue at once, and tried at once.
      if (clock.monotonic() - sinceMs < overdueSeenMs) return undefined
      return { problem: 'mail that is due is not tried', facts: { overdueMs: nowMs - dueMs } }
    },
  }
}

/** Compares the wall clock with the monotonic clock: Date fields, retries and expiry use the wall clock. */
export function clockCheck(clock: Pick<Clock, 'now' | 'monotonic'>): HealthCheck {
  let latestMs = clock.now()
  let aheadMs = clock.now() - clock.monotonic()
  return {
    name: 'clock',
    look(nowMs) {
      const ahead = nowMs - clock.monotonic()
      const setByMs = ahead - aheadMs
      aheadMs = ahead
      const behindMs = latestMs - nowMs
      latestMs = Math.max(latestMs, nowMs)
      if (behindMs > clockStepMaxMs)
        return { problem: 'the clock is behind times that it has shown before', facts: { behindMs } }
      // Reported by one check only: the next one ends it.
      if (setByMs > clockStepMaxMs) return { problem: 'the clock was set forward', facts: { setByMs } }
      return undefined
    },
  }
}

/** Watches DNS answers: several consecutive names without one are a problem. */
export class WatchedResolver implements Resolver {
  readonly #resolver: Resolver
  readonly #inVain = new Map<string, string>()
  readonly answers = new Counter(
    'pennypost_dns_answers',
    'Answers of the DNS, kept ones among them, by outcome.',
    'outcome',
  )

  constructor(resolver: Resolver) {
    this.#resolver = resolver
  }

  readonly check: HealthCheck = {
    name: 'dns',
    look: () => {
      if (this.#inVain.size < namesInVainMin) return undefined
      const reason = [...this.#inVain.values()].at(-1)!
      return { problem: `the DNS does not answer (${reason})`, facts: { names: this.#inVain.size } }
    },
  }

  mx(name: string): ReturnType<Resolver['mx']> {
    return this.#resolved(name, this.#resolver.mx(name))
  }
  addresses(name: string): ReturnType<Resolver['addresses']> {
    return this.#resolved(name, this.#resolver.addresses(name))
  }
  txt(name: string): ReturnType<Resolver['txt']> {
    return this.#resolved(name, this.#resolver.txt(name))
  }
  srv(name: string): ReturnType<Resolver['srv']> {
    return this.#resolved(name, this.#resolver.srv(name))
  }
  tlsa(name: string): ReturnType<Resolver['tlsa']> {
    return this.#resolved(name, this.#resolver.tlsa(name))
  }
  reverse(address: string): ReturnType<Resolver['reverse']> {
    return this.#resolved(address, this.#resolver.reverse(address))
  }

  async #resolved<T>(name: string, asked: Promise<DnsOutcome<T>>): Promise<DnsOutcome<T>> {
    const outcome = await asked
    this.answers.of(outcome.kind).value++
    if (outcome.kind !== 'failed') this.#inVain.clear()
    // Only the number of names matters, and the last reason.
    else if (this.#inVain.size < 100) this.#inVain.set(name.toLowerCase(), outcome.reason)
    return outcome
  }
}
