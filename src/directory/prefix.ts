/** What of an address one customer has: one host or line, and the network around it. */
import { parseIpAddress } from '../base/ip-network.ts'

export interface Prefixes {
  /** IPv4 /32, IPv6 /64: a household, an office. */
  readonly narrow: string
  /** IPv4 /24, IPv6 /48: what one customer can have of addresses to change between. */
  readonly wide: string
}

/** @param address as `Peer` has it. Text that is no address is a prefix of its own. */
export function prefixesOf(address: string): Prefixes {
  const bytes = parseIpAddress(address)
  if (!bytes) return { narrow: address, wide: address }
  const first = (count: number): string => `${bytes.length} ${Buffer.from(bytes.subarray(0, count)).toString('hex')}`
  return bytes.length === 4 ? { narrow: first(4), wide: first(3) } : { narrow: first(8), wide: first(6) }
}
