/** What is looked at: disk, rows, directory, DNS, certificates, queue, clock. */
import { X509Certificate } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { Counter } from '../base/metrics.ts'
import type { DnsOutcome, Resolver } from '../base/resolver.ts'
import type { Store } from '../store/store.ts'
import type { HealthCheck } from './health.ts'

/** A certificate that is not renewed by then will not be. */
const certificateDaysMin = 14
const dayMs = 86_400_000
/** What is due is tried at once; with a limit of connections or rate it waits, but hardly so long. */
const overdueMaxMs = 15 * 60_000
/** How long it has to be so: a lease is renewed within less, also where the clock was set forward behind its end. */
const overdueSeenMs = 5 * 60_000
/** Time daemons move the clock by less, or slowly. */
const clockStepMaxMs = 60_000
/** Names of one another: a domain whose own servers are broken is not our trouble. */
const namesInVainMin = 5

/** Disk and rows, as the store tells them. */
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

/** How often a directory that is away is asked by the check itself. */
const probeEveryMs = 10_000

/**
 * Without it no recipient is known. While it is away it is asked here: who sends no clients to a system that is not ready would
 * otherwise wait for ever for the question that finds it again.
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

/** @param shown the certificate (DER) that clients get. */
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

export function queueCheck(due: () => number | undefined, clock: Pick<Clock, 'monotonic'>): HealthCheck {
  let sinceMs: number | undefined
  return {
    name: 'queue',
    look(nowMs) {
      const dueMs = due()
      if (dueMs === undefined || nowMs - dueMs <= overdueMaxMs) {
        sinceMs = undefined
        return undefined
      }
      sinceMs ??= clock.monotonic()
      // Behind a clock that was set forward all is overdue at once, and tried at once.
      if (clock.monotonic() - sinceMs < overdueSeenMs) return undefined
      return { problem: 'mail that is due is not tried', facts: { overdueMs: nowMs - dueMs } }
    },
  }
}

/** The wall clock beside the one that only grows: Date fields, retries and expiry go by the first. */
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
      // One look is enough to tell it: the next one ends it.
      if (setByMs > clockStepMaxMs) return { problem: 'the clock was set forward', facts: { setByMs } }
      return undefined
    },
  }
}

/** Listens to the DNS' answers: trouble is when several names in a row have none. */
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
    // Its size counts, and that it goes on: the last of them is said.
    else if (this.#inVain.size < 100) this.#inVain.set(name.toLowerCase(), outcome.reason)
    return outcome
  }
}
