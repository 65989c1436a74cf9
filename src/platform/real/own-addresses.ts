/** The addresses of this machine, as they are now. */
import { networkInterfaces } from 'node:os'

export function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
}
