/** Addresses of the server itself, as clients give them: completed with our domain. RFC 5321 §4.1.1.3, §4.1.3. */
import type { Live } from '../base/live.ts'
import { networksHold, parseIpNetwork } from '../base/ip-network.ts'
import type { Mailbox } from '../mail/envelope.ts'
import type { StoreReads } from '../store/store.ts'
import type { DeliveryOptions } from './options.ts'

interface Tools {
  readonly store: { readonly read: StoreReads }
  readonly options: Live<DeliveryOptions>
  /**
   * Whether our listeners are reachable at an address; undefined: only the address that the client connected to is
   * known.
   */
  isOwnAddress?(address: string): boolean
}

/**
 * Completes addresses of the server itself with our first domain: `<postmaster>` without a domain (RFC 5321 §4.1.1.3),
 * and all users at an address literal of this host (§4.1.3, §4.5.1).
 * @param localAddress the address that the client connected to.
 */
export function completeMailbox(tools: Tools, mailbox: Mailbox, localAddress?: string): Mailbox {
  const { store, options } = tools
  const { localPart, domain } = mailbox
  if (domain !== '' && !isOwnLiteral(tools, domain, localAddress)) return mailbox
  return { localPart, domain: store.read.domains()[0] ?? options.now.hostname }
}

function isOwnLiteral({ isOwnAddress }: Tools, domain: string, localAddress: string | undefined): boolean {
  if (!domain.startsWith('[')) return false
  const address = domain.slice(1, -1).replace(/^ipv6:/i, '')
  const same = localAddress !== undefined && parseIpNetwork(localAddress)
  return (same && networksHold([same], address)) || isOwnAddress?.(address) === true
}
