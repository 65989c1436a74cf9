/**
 * The consequence of SPF, DKIM, ARC and DMARC results, by the policy of the From domain and the operator's rules.
 * RFC 7489 §6.6.
 */
import * as kinds from '../base/options/kinds.ts'
import { option, table, type ValuesOf } from '../base/options/option.ts'
import type { Random } from '../base/random.ts'
import { bestFit } from '../mail/domain-pattern.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import { status, type Status } from '../mail/status.ts'
import { vouchedBy } from '../trust/arc/vouched.ts'
import type { Evidence } from '../trust/authentication-results.ts'

/** Refused in the transaction, filed into Junk, or only recorded. */
export type Measure = 'refuse' | 'junk' | 'note'

/** The operator's rule for messages with this domain in From. */
export const senderRuleOptions = table({
  from: option(
    mailKinds.domainPattern,
    undefined,
    'The domain in From: a domain, "*.example.net" for its subdomains, or "*"; the most specific match wins.',
    'example.net',
  ),
  dmarcFail: option(
    kinds.choice('obey', 'refuse', 'junk', 'note'),
    undefined,
    'When DMARC fails. "obey": follow the domain\'s policy. "refuse": reject with 550. "junk": file into Junk. "note": only record it. Default: dmarc of [authenticity].',
    'refuse',
  ),
  spfFail: option(
    kinds.choice('refuse', 'junk', 'note'),
    undefined,
    'When SPF fails (-all) for the domain of the reverse-path. Forwarding breaks SPF, so use it only for domains whose mail is not forwarded.',
    'junk',
  ),
  unproved: option(
    kinds.choice('refuse', 'junk', 'note'),
    undefined,
    'When neither SPF nor DKIM authenticates the domain, whether or not it has a DMARC policy. For partners that are known to sign.',
    'refuse',
  ),
})

export type SenderRule = Partial<ValuesOf<typeof senderRuleOptions>> & { readonly from: string }

export interface ConsequenceOptions {
  readonly dmarc: 'obey' | 'note'
  /** Domains whose ARC seals are trusted. */
  readonly trustedSealers: readonly string[]
}

export interface Consequence {
  readonly measure: Measure
  readonly refuse?: Status
}

const nothing: Consequence = { measure: 'note' }
const gravity: readonly Measure[] = ['note', 'junk', 'refuse']

/** The most severe consequence among all domains in From. */
export function consequenceOf(
  evidence: Evidence,
  options: ConsequenceOptions,
  rules: readonly SenderRule[],
  random: Random,
): Consequence {
  return (evidence.dmarc.each ?? [evidence.dmarc])
    .map((dmarc) => consequenceOfDomain({ ...evidence, dmarc }, options, rules, random))
    .reduce(graver)
}

const graver = (one: Consequence, other: Consequence): Consequence =>
  gravity.indexOf(other.measure) > gravity.indexOf(one.measure) ? other : one

function consequenceOfDomain(
  evidence: Evidence,
  options: ConsequenceOptions,
  rules: readonly SenderRule[],
  random: Random,
): Consequence {
  const { dmarc, spf, arc } = evidence
  const rule = bestFit(rules, ({ from }) => from, dmarc.domain)
  // ARC and SPF authenticate one reading of From, while mail programs may show another.
  if (dmarc.unclear) return unclearFrom(evidence, rule?.dmarcFail ?? options.dmarc)
  // A trusted list saw the message intact: later changes are the list's own.
  if (dmarc.result !== 'pass' && vouchedBy(arc, options.trustedSealers, dmarc.domain) !== undefined) return nothing
  const found = [
    dmarc.result === 'fail' ? dmarcFailed(evidence, rule?.dmarcFail ?? options.dmarc, random) : nothing,
    spf.result === 'fail' && rule?.spfFail
      ? taken(
          rule.spfFail,
          '5.7.23',
          `${spf.domain} says that ${evidence.clientAddress} may not send in its name (SPF)`,
        )
      : nothing,
    dmarc.result !== 'pass' && !isProved(evidence) && rule?.unproved
      ? taken(rule.unproved, '5.7.1', `Mail from ${dmarc.domain} is taken here only where SPF or DKIM proves it`)
      : nothing,
  ]
  return found.reduce(graver)
}

/** For domains with a DMARC policy: an ambiguous From cannot be authenticated. */
function unclearFrom({ dmarc }: Evidence, wish: Measure | 'obey'): Consequence {
  if (wish === 'note' || (dmarc.policy === 'none' && dmarc.result !== 'temperror' && !dmarc.tooMany)) return nothing
  if (wish === 'junk') return { measure: 'junk' }
  return { measure: 'refuse', refuse: dmarc.result === 'temperror' ? status.fromNotLookedUp : status.fromUnclear }
}

/** RFC 7489 §6.6.4: a share of failing messages gets the next milder policy. */
function dmarcFailed({ dmarc }: Evidence, wish: Measure | 'obey', random: Random): Consequence {
  const text = `${dmarc.domain} asks that mail in its name is refused which it did not send (DMARC p=reject)`
  if (wish !== 'obey') return taken(wish, '5.7.26', `This message fails the DMARC check of ${dmarc.domain}`)
  if (dmarc.policy === 'none') return nothing
  const spared = random.below(100) >= dmarc.percent
  if (dmarc.policy === 'quarantine') return { measure: spared ? 'note' : 'junk' }
  return spared ? { measure: 'junk' } : taken('refuse', '5.7.26', text)
}

function taken(measure: Measure, enhanced: string, text: string): Consequence {
  return measure === 'refuse' ? { measure, refuse: { code: 550, enhanced, text } } : { measure }
}

/**
 * SPF or DKIM of the From domain itself, a parent or a subdomain: like DMARC alignment, for domains without a record.
 */
function isProved({ dmarc, spf, dkim }: Evidence): boolean {
  const { domain } = dmarc
  const near = (other: string): boolean =>
    other === domain || domain.endsWith(`.${other}`) || other.endsWith(`.${domain}`)
  return (
    (spf.result === 'pass' && near(spf.domain.toLowerCase())) ||
    dkim.some((one) => one.result === 'pass' && near(one.domain.toLowerCase()))
  )
}
