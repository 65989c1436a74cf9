/**
 * The check `authenticity`: SPF while the message comes, then DKIM, ARC and DMARC, and the consequence. RFC 7208, 6376,
 * 8617, 7489.
 */
import type { Live } from '../base/live.ts'
import type { Clock } from '../base/clock.ts'
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../base/options/option.ts'
import type { Random } from '../base/random.ts'
import type { Resolver } from '../base/resolver.ts'
import { formatMailbox } from '../mail/address.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import type { ReversePath } from '../mail/envelope.ts'
import { formatField } from '../mail/header-format.ts'
import type { Header } from '../mail/header.ts'
import type { HeaderFacts } from '../mail/message-facts.ts'
import type { SmtpClientFacts } from '../protocol/smtp/backend.ts'
import { ArcVerifier } from '../trust/arc/verify.ts'
import { formatAuthenticationResults, type Evidence } from '../trust/authentication-results.ts'
import { DkimVerifier } from '../trust/dkim/verify.ts'
import { checkDmarc, type DmarcVerdict } from '../trust/dmarc/check.ts'
import { checkSpf, type SpfDns, type SpfVerdict } from '../trust/spf/check.ts'
import { declined, early, type Check, type Verdict } from './check.ts'
import { consequenceOf, type SenderRule } from './consequence.ts'
import type { Judgement } from './judgement.ts'

export const authenticityOptions = table({
  check: option(
    kinds.flag,
    true,
    'Checks messages from unauthenticated clients: SPF, DKIM, ARC, DMARC and reverse DNS. The results are added in Authentication-Results. Signed-in users, trusted networks and loopback are not checked.',
  ),
  dmarc: option(
    kinds.choice('obey', 'note'),
    'obey',
    'When DMARC fails (RFC 7489). "obey": p=reject is refused, p=quarantine is filed into Junk. "note": the result is only recorded.',
  ),
  trustedSealers: option(
    kinds.list(mailKinds.domain),
    [],
    'Mailing lists and forwarders whose ARC seals are trusted (RFC 8617): if one of them says that DMARC passed when it received the message, its changes since then do not count as a failure. Without an entry, list mail from domains with p=reject is refused.',
    ['lists.example.org'],
  ),
  seal: option(
    kinds.flag,
    true,
    'Adds an ARC seal with our results to mail that our aliases forward, signed with the key of the forwarding domain, so that the next host can trust them.',
  ),
})

export type AuthenticityOptions = ValuesOf<typeof authenticityOptions>
export const authenticityDefaults: AuthenticityOptions = defaultsOf(authenticityOptions)

export interface AuthenticityTools {
  readonly resolver: Resolver
  readonly clock: Clock
  readonly random: Random
  readonly hostname: string
  readonly options: Live<AuthenticityOptions>
  readonly rules: Live<readonly SenderRule[]>
}

/** DNS lookups that begin as soon as the sender is known. */
interface EarlyEvidence {
  readonly spf: Promise<SpfVerdict>
  readonly iprev: Promise<Evidence['iprev']>
}

const noAnswer = 'no answer in time'
/** Total wait for DNS answers: results still missing then count as temporary errors. */
const budgetMs = 15_000

class Authenticity {
  readonly #tools: AuthenticityTools

  constructor(tools: AuthenticityTools) {
    this.#tools = tools
  }

  /** undefined: nothing is checked. */
  begin(client: SmtpClientFacts, reversePath: ReversePath): EarlyEvidence | undefined {
    const { options, hostname, clock } = this.#tools
    if (!options.now.check) return undefined
    const mailFrom = reversePath === null ? '' : formatMailbox(reversePath)
    const question = { ip: client.peer.address, mailFrom, helo: client.helo, receiver: hostname, nowMs: clock.now() }
    const unknown: SpfVerdict = {
      result: 'temperror',
      domain: reversePath?.domain ?? client.helo,
      identity: reversePath === null ? 'helo' : 'mailfrom',
      problem: 'no answer in time',
    }
    return {
      spf: early(this.#inTime(checkSpf(question, this.#spfDns()), unknown)),
      iprev: early(this.#inTime(this.#iprev(client.peer.address), { result: 'temperror' })),
    }
  }

  /** @param header of the message; @param body the bytes after the header, in pieces. */
  async judge(
    early: EarlyEvidence,
    client: SmtpClientFacts,
    message: HeaderFacts,
    header: Header,
    body: AsyncIterable<Uint8Array>,
  ): Promise<Verdict> {
    const { resolver, clock, hostname } = this.#tools
    const verifier = new DkimVerifier(header)
    const arcVerifier = new ArcVerifier(header)
    if (!verifier.isEmpty || !arcVerifier.isEmpty) {
      for await (const piece of body) {
        verifier.write(piece)
        arcVerifier.write(piece)
      }
    }
    const [spf, iprev, dkim, arc] = await Promise.all([
      early.spf,
      early.iprev,
      this.#inTime(verifier.end(resolver, clock.now()), []),
      this.#inTime(arcVerifier.end(resolver), { result: 'none', problem: noAnswer, sets: [] } as const),
    ])
    const { certain, countless, mailboxes } = message.authors
    const fromDomains = mailboxes.map(({ domain }) => domain)
    const unclear = certain ? {} : ({ unclear: true } as const)
    const unknown = { domain: fromDomains[0] ?? '', policy: 'none', percent: 100, aligned: [], ...unclear } as const
    const dmarc: DmarcVerdict = countless
      ? { ...unknown, result: 'permerror', problem: 'From has more addresses than are looked at', tooMany: true }
      : await this.#inTime(checkDmarc({ fromDomains, certain, spf, dkim }, resolver), {
          ...unknown,
          result: 'temperror',
          problem: 'no answer in time',
        })
    const evidence: Evidence = { spf, dkim, dmarc, arc, iprev, clientAddress: client.peer.address }
    const results = formatAuthenticationResults(hostname, evidence)
    const field = formatField('Authentication-Results', results)
    const { options, rules, random } = this.#tools
    const { measure, refuse } = consequenceOf(evidence, options.now, rules.now, random)
    if (refuse) return declined(refuse)
    const judgement: Judgement = { evidence, results, field, seals: options.now.seal }
    return { kind: 'note', junk: measure === 'junk', judgement }
  }

  async #iprev(address: string): Promise<Evidence['iprev']> {
    const { resolver } = this.#tools
    const names = await resolver.reverse(address)
    if (names.kind === 'failed') return { result: 'temperror' }
    if (names.kind === 'none') return { result: 'fail' }
    for (const name of names.records.slice(0, 3)) {
      const back = await resolver.addresses(name)
      if (back.kind === 'found' && back.records.includes(address)) return { result: 'pass', name }
    }
    return { result: 'fail' }
  }

  #spfDns(): SpfDns {
    const { resolver } = this.#tools
    return {
      txt: (name) => resolver.txt(name),
      mx: (name) => resolver.mx(name),
      reverse: (address) => resolver.reverse(address),
      async addresses(name, family) {
        const outcome = await resolver.addresses(name)
        if (outcome.kind !== 'found') return outcome
        const records = outcome.records.filter((address) => address.includes(':') === (family === 6))
        return records.length > 0 ? { kind: 'found', records } : { kind: 'none', nameExists: true }
      },
    }
  }

  #inTime<T>(work: Promise<T>, otherwise: T): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#tools.clock.after(budgetMs, () => resolve(otherwise))
      work.then(resolve, reject).finally(() => timer.cancel())
    })
  }
}

export function authenticityCheck(tools: AuthenticityTools): Check {
  const authenticity = new Authenticity(tools)
  return {
    name: 'authenticity',
    speaksFor: 'unauthenticated',
    // `budgetMs` is within.
    onFailure: 'fault',
    begin({ service }) {
      if (service !== 'smtp') return undefined
      /** Begun as soon as the sender is known: DNS answers come while the message does. */
      let evidence: EarlyEvidence | undefined
      return {
        sender(client, reversePath) {
          evidence = authenticity.begin(client, reversePath)
          return undefined
        },
        message(client, message) {
          const begun = evidence
          evidence = undefined
          if (!begun) return undefined
          return (async () =>
            authenticity.judge(begun, client, message.facts, await message.header(), message.body()))()
        },
      }
    },
  }
}
