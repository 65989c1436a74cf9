/** The checks of this system, in the order in which they are asked. docs/architecture.md §30. */
import type { Clock } from '../base/clock.ts'
import type { Live } from '../base/live.ts'
import type { Log } from '../base/log.ts'
import { Wheel } from '../base/wheel.ts'
import { authenticityCheck, type AuthenticityTools } from '../checks/authenticity.ts'
import type { Check } from '../checks/check.ts'
import { contentCheck, type ContentRule } from '../checks/content.ts'
import { networkCheck, type NetworkTools } from '../checks/network.ts'
import { originCheck } from '../checks/origin.ts'
import { recipientsCheck } from '../checks/recipients.ts'
import { relayCheck } from '../checks/relay.ts'
import { Checks } from '../checks/run-checks.ts'
import { thresholdCheck, thresholdDefaults } from '../checks/threshold.ts'
import type { DeliveryOptions, RelayOptions } from '../delivery/options.ts'
import { refusalAtRcpt } from '../delivery/rcpt.ts'
import { fitsDomain } from '../mail/domain-pattern.ts'
import type { Rewriter } from '../delivery/rewrite/rewriter.ts'
import type { AddressSource } from '../directory/aliases.ts'
import type { Store } from '../store/store.ts'

export interface CheckTools {
  readonly store: Pick<Store, 'read'>
  readonly clock: Clock
  readonly log: Log
  readonly addresses: AddressSource
  readonly options: Live<DeliveryOptions>
  readonly wheel?: Wheel
  /** Those below are for mail of other hosts: what is absent is not checked. */
  readonly networks?: NetworkTools
  readonly relay?: Live<RelayOptions>
  readonly rewriter?: Rewriter
  readonly authenticity?: AuthenticityTools
  readonly contentRules?: Live<readonly ContentRule[]>
  /** Tests add checks of their own. */
  readonly withChecks?: (ours: readonly Check[]) => readonly Check[]
}

/** To add one: a file in `checks/`, and a row here. */
export function openChecks(tools: CheckTools): Checks {
  const { store, clock, log, options, addresses, networks, relay, rewriter, authenticity, contentRules } = tools
  const isLocalDomain = (domain: string): boolean => store.read.isLocalDomain(domain)
  /** As its backup MX or front: mail for it is accepted from all clients. */
  const relaysFor = (domain: string): boolean =>
    relay?.now.domains.some((pattern) => fitsDomain(pattern, domain)) ?? false
  const rows: readonly (Check | undefined)[] = [
    networks && networkCheck(networks),
    relayCheck({ isLocalDomain, relaysFor }),
    recipientsCheck({ isLocalDomain, refusalOf: (mailbox) => refusalAtRcpt(tools, mailbox) }),
    originCheck({ addresses, options, rewritten: (mailbox) => rewriter?.inHeader(mailbox, 'sender') }),
    authenticity && authenticityCheck(authenticity),
    contentRules && contentCheck({ rules: contentRules, log }),
    thresholdCheck({ now: thresholdDefaults }),
  ]
  const ours = rows.filter((row) => row !== undefined)
  return new Checks(tools.withChecks?.(ours) ?? ours, { log, wheel: tools.wheel ?? new Wheel(clock) })
}
