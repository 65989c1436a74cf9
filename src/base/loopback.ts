/** Addresses that never leave this machine. RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */

/** @param address as `Peer` has it: an IPv4-mapped address is written as IPv4 there. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** Also for the name `localhost`, which never means anything else. RFC 6761 §6.3. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || (isLoopback(host) && !/[^\d.:]/.test(host))
}
