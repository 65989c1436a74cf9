/** Names that the operator knows better than the DNS, or instead of it. */
import type { Resolver } from '../base/resolver.ts'

/**
 * Asks the table first. A name in it has no MX records: it is the mail host itself (RFC 5321 §5.1).
 * @param below the DNS; undefined where there is none, and what the table does not know does not exist.
 */
export function withHosts(hosts: ReadonlyMap<string, readonly string[]>, below: Resolver | undefined): Resolver {
  const known = (name: string): readonly string[] | undefined => hosts.get(name.toLowerCase().replace(/\.$/, ''))
  const nowhere = { kind: 'none', nameExists: false } as const
  return {
    async mx(name) {
      if (known(name)) return { kind: 'none', nameExists: true }
      return below ? below.mx(name) : nowhere
    },
    async addresses(name) {
      const records = known(name)
      if (records) return { kind: 'found', records }
      return below ? below.addresses(name) : nowhere
    },
    async txt(name) {
      return below ? below.txt(name) : nowhere
    },
  }
}
