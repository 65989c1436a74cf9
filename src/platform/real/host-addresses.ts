/** The addresses of a host as this machine knows it: its hosts file too. */
import { lookup } from 'node:dns/promises'

/** An address is its own. Rejects where there is none. */
export async function hostAddresses(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}
