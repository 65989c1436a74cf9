/** The order in which the addresses of a host are tried. RFC 5321 §5.1, RFC 8305 §4. */
import type { Random } from '../base/random.ts'

export type AddressFamilies = 'ipv4First' | 'ipv6First' | 'ipv4' | 'ipv6'

/** A host with a hundred addresses must not keep a message busy for an hour. */
const addressesMax = 10

/**
 * Families alternate, so that a broken one costs a single timeout; within a family the order is random, to share the
 * load.
 */
export function orderAddresses(addresses: readonly string[], families: AddressFamilies, random: Random): string[] {
  const four = shuffled(
    addresses.filter((address) => !isSix(address)),
    random,
  )
  const six = shuffled(addresses.filter(isSix), random)
  if (families === 'ipv4') return four.slice(0, addressesMax)
  if (families === 'ipv6') return six.slice(0, addressesMax)
  const [first, second] = families === 'ipv4First' ? [four, six] : [six, four]
  const ordered: string[] = []
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (i < first.length) ordered.push(first[i]!)
    if (i < second.length) ordered.push(second[i]!)
  }
  return ordered.slice(0, addressesMax)
}

function isSix(address: string): boolean {
  return address.includes(':')
}

function shuffled(addresses: readonly string[], random: Random): string[] {
  const all = [...addresses]
  for (let i = all.length - 1; i > 0; i--) {
    const at = random.below(i + 1)
    const other = all[at]!
    all[at] = all[i]!
    all[i] = other
  }
  return all
}
