/** A host table of the operator, before or instead of the DNS. */
import type { Resolver } from '../base/resolver.ts'

export interface HostTable {
  readonly hosts: ReadonlyMap<string, readonly string[]>
  /** false: there is no DNS, and names that are not in the table do not exist. */
  readonly lookups: boolean
}

/** Looks in the table first. A name in it has no MX records: it is the mail host itself (RFC 5321 §5.1). */
export function withHosts(table: () => HostTable, dns: Resolver): Resolver {
  const known = (name: string): readonly string[] | undefined =>
    table().hosts.get(name.toLowerCase().replace(/\.$/, ''))
  const below = (): Resolver | undefined => (table().lookups ? dns : undefined)
  const nowhere = { kind: 'none', nameExists: false } as const
  return {
    async mx(name) {
      if (known(name)) return { kind: 'none', nameExists: true }
      return below()?.mx(name) ?? nowhere
    },
    async addresses(name) {
      const records = known(name)
      if (records) return { kind: 'found', records }
      return below()?.addresses(name) ?? nowhere
    },
    async srv(name) {
      return below()?.srv(name) ?? nowhere
    },
    async tlsa(name) {
      return below()?.tlsa(name) ?? nowhere
    },
    async reverse(address) {
      const names = [...table().hosts].filter(([, addresses]) => addresses.includes(address)).map(([name]) => name)
      if (names.length > 0) return { kind: 'found', records: names }
      return below()?.reverse(address) ?? nowhere
    },
    async txt(name) {
      return below()?.txt(name) ?? nowhere
    },
  }
}
