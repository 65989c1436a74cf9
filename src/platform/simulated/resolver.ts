/** The DNS of the simulator: one zone for all hosts, with failures on demand. */
import type { DnsOutcome, MxRecord, Resolver, SrvRecord, TlsaRecord } from '../../base/resolver.ts'

export interface ZoneEntry {
  readonly mx?: readonly MxRecord[]
  readonly addresses?: readonly string[]
  readonly txt?: readonly string[]
  readonly srv?: readonly SrvRecord[]
  readonly tlsa?: readonly TlsaRecord[]
  /** Signed, and validated by the resolver. */
  readonly secure?: boolean
}

export interface SimulatedZone {
  /** By name, lower case. */
  readonly names: Map<string, ZoneEntry>
  /** Whether this query gets no answer. */
  fails(name: string): boolean
}

export function simulatedResolver(zone: SimulatedZone): Resolver {
  function ask<T>(name: string, pick: (entry: ZoneEntry) => readonly T[] | undefined): DnsOutcome<T> {
    if (zone.fails(name)) return { kind: 'failed', reason: 'SERVFAIL' }
    const entry = zone.names.get(name)
    const records = entry && pick(entry)
    const secure = entry?.secure === true
    return records && records.length > 0
      ? { kind: 'found', records, secure, name }
      : { kind: 'none', nameExists: entry !== undefined, secure }
  }
  return {
    mx: async (name) => ask(name, ({ mx }) => mx),
    addresses: async (name) => ask(name, ({ addresses }) => addresses),
    txt: async (name) => ask(name, ({ txt }) => txt),
    srv: async (name) => ask(name, ({ srv }) => srv),
    tlsa: async (name) => ask(name, ({ tlsa }) => tlsa),
    async reverse(address) {
      const names = [...zone.names].filter(([, { addresses }]) => addresses?.includes(address)).map(([name]) => name)
      return names.length > 0 ? { kind: 'found', records: names } : { kind: 'none', nameExists: false }
    },
  }
}
