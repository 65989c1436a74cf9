/** Sends each day's TLS reports to the domains that ask for them: by signed mail, or by HTTPS. RFC 8460 §3, §5. */
import type { Live } from '../../base/live.ts'
import { latin1 } from '../../base/bytes.ts'
import type { Timer } from '../../base/clock.ts'
import type { HttpClient } from '../../base/http-client.ts'
import { networksHold, parseIpNetwork } from '../../base/ip-network.ts'
import type { Log } from '../../base/log.ts'
import { randomId } from '../../base/random.ts'
import type { Resolver } from '../../base/resolver.ts'
import { formatMailbox, parseMailbox } from '../../mail/address.ts'
import { composeMessage } from '../../mail/compose/message.ts'
import type { Mailbox } from '../../mail/envelope.ts'
import { Header, headerEnd } from '../../mail/header.ts'
import { DkimSigner, fieldsToSign, type DkimSigningKey } from '../../trust/dkim/sign.ts'
import { parseTlsRptRecord, type ReportTarget } from '../../trust/tls-rpt/record.ts'
import { newArrivalId, type Arrival } from '../../delivery/arrival.ts'
import { arriveOperation, type TransferTools } from '../../delivery/file.ts'
import { bounceLine, type Trace } from '../../delivery/trace.ts'
import type { ReportOptions } from '../options.ts'
import { decide } from '../../delivery/decide.ts'
import type { SigningKeys } from '../../delivery/signing.ts'
import { dayEndMs, type TlsCounts } from './counts.ts'
import { reportBytes, reportDraft, type ReportFacts } from './report.ts'

export interface ReporterTools extends TransferTools {
  readonly resolver: Resolver
  readonly httpClient: HttpClient
  readonly signingKeys: SigningKeys
  readonly trace: Trace
  readonly log: Log
  readonly reports: Live<ReportOptions>
  readonly counts: TlsCounts
  /** Stores the counts, so that they outlive the process. */
  keep(text: string): Promise<void>
}

/** Interval of checking for reports to send and counts to store. */
const lookEveryMs = 30 * 60_000
/** A random delay: not all reports should go out at midnight. */
const spreadMs = 4 * 3600_000
/** RFC 8460 §5.5. */
const triedForMs = 24 * 3600_000
const postTimeoutMs = 60_000
/** The web server's response is limited; only its status is used. */
const answerBytesMax = 65_536

/** Private networks, which a domain's record must not make us contact. */
const insideNetworks = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/127',
  'fc00::/7',
  'fe80::/10',
].map((text) => parseIpNetwork(text)!)

export class TlsReporter {
  readonly #tools: ReporterTools
  readonly #delayMs: number
  #timer: Timer | undefined
  #looking: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(tools: ReporterTools) {
    this.#tools = tools
    this.#delayMs = tools.random.below(spreadMs)
  }

  start(): void {
    this.#timer = this.#tools.clock.after(lookEveryMs, () => {
      this.#looking = this.#look().catch((error: unknown) =>
        this.#tools.log.warn('TLS report run failed', { error: String(error) }),
      )
      void this.#looking.finally(() => !this.#stopped && this.start())
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#looking
    await this.#keep()
  }

  async #keep(): Promise<void> {
    const { counts, keep, log } = this.#tools
    if (!counts.changed) return
    counts.changed = false
    await keep(counts.toText()).catch((error: unknown) =>
      log.warn('TLS report counters could not be stored', { error: String(error) }),
    )
  }

  async #look(): Promise<void> {
    const { counts, clock, reports } = this.#tools
    for (const { day, domain, policies } of counts.finished()) {
      const dueMs = dayEndMs(day) + this.#delayMs
      if (this.#stopped || clock.now() < dueMs) continue
      const { hostname: organization } = this.#tools.options.now
      const facts = { day, domain, policies, organization, contact: reports.now.contact }
      if (!reports.now.tls || (await this.#report(facts)) || clock.now() > dueMs + triedForMs)
        counts.forget(day, domain)
    }
    await this.#keep()
  }

  /** Whether it is done: sent to at least one target, or not wanted. */
  async #report(facts: ReportFacts): Promise<boolean> {
    const found = await this.#tools.resolver.txt(`_smtp._tls.${facts.domain}`)
    if (found.kind === 'failed') return false
    const targets = found.kind === 'found' ? parseTlsRptRecord(found.records) : []
    if (targets.length === 0) return true
    const content = await reportBytes(facts)
    let sent = false
    for (const target of targets) {
      const problem = await this.#send(facts, content, target).catch((error: unknown) => String(error))
      if (problem === undefined) sent = true
      else this.#tools.log.warn('TLS report could not be sent', { domain: facts.domain, problem })
    }
    return sent
  }

  /** @returns the reason if it could not be sent. */
  #send(facts: ReportFacts, content: Uint8Array, target: ReportTarget): Promise<string | undefined> {
    return target.kind === 'https' ? this.#post(content, target.url) : this.#mail(facts, content, target.mailbox)
  }

  async #post(content: Uint8Array, url: string): Promise<string | undefined> {
    const { resolver, httpClient } = this.#tools
    const { hostname } = new URL(url)
    const literal = hostname.replace(/^\[(.*)\]$/, '$1')
    const found = parseIpNetwork(literal)
      ? ({ kind: 'found', records: [literal] } as const)
      : await resolver.addresses(hostname)
    const addresses =
      found.kind === 'found' ? found.records.filter((address) => !networksHold(insideNetworks, address)) : []
    if (addresses.length === 0) return `${hostname} has no public address`
    const { status } = await httpClient.ask({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/tlsrpt+gzip' },
      body: content,
      addresses,
      timeoutMs: postTimeoutMs,
      bytesMax: answerBytesMax,
    })
    return status >= 200 && status < 300 ? undefined : `${url} answers ${status}`
  }

  async #mail(facts: ReportFacts, content: Uint8Array, to: Mailbox): Promise<string | undefined> {
    const { store, clock, random, options, signingKeys, trace } = this.#tools
    const from = parseMailbox(facts.contact)
    const keys = from ? await signingKeys.of(from.domain) : []
    // RFC 8460 §3: reports without our signature are ignored.
    if (!from || keys.length === 0) return `no DKIM key signs for ${facts.contact}`
    const nowMs = clock.now()
    const address = formatMailbox(to)
    const composed = composeMessage(reportDraft(facts, content, address), {
      nowMs,
      hostname: options.now.hostname,
      unique: () => randomId(random, 24).replaceAll('_', '0'),
    })
    const bytes = await composed.bytes()
    const signature = await signatureOf(bytes, keys, nowMs)
    const sink = store.sink()
    sink.write(bytes)
    const arrival: Arrival = {
      id: newArrivalId(clock, random),
      atMs: nowMs,
      reversePath: from,
      // DSNs would not be read.
      recipients: [{ mailbox: to, notify: ['never'] }],
      body: '7bit',
      smtpUtf8: composed.smtpUtf8,
      // RFC 8460 §5.3: TLS problems of the domain must not stop the report about them.
      tlsOptional: true,
    }
    const plans = await decide(this.#tools, to, { reversePath: from, sizeBytes: bytes.length, unanswered: true })
    if (plans.length === 0) return `${address} takes no mail here`
    const stored = await sink.finish()
    const operation = arriveOperation(this.#tools, arrival, stored, undefined, { prefix: signature }, plans)
    const queue = operation.queue && { ...operation.queue, expiresAtMs: nowMs + triedForMs }
    await store.commit([{ ...operation, queue }])
    trace.note(bounceLine(arrival.id, `TLS report of ${facts.day} for ${facts.domain}`, address))
    return undefined
  }
}

async function signatureOf(bytes: Uint8Array, keys: readonly DkimSigningKey[], nowMs: number): Promise<string> {
  const end = headerEnd(bytes, 0, bytes.length)
  const fields = [...fieldsToSign, 'tls-report-domain', 'tls-report-submitter']
  const signer = new DkimSigner(new Header(latin1(bytes, 0, end)), keys, { nowMs, fields })
  signer.write(bytes.subarray(end))
  return signer.end()
}
