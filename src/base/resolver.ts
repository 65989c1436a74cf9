/** The interface to the DNS: the system's resolvers, configured ones, or the simulator's zone. */

export type DnsOutcome<T> =
  | {
      readonly kind: 'found'
      readonly records: readonly T[]
      /** Validated by DNSSEC, by a resolver that is trusted (RFC 4035 §4.9.3); absent if not known. */
      readonly secure?: boolean
      /** The name that the records belong to, at the end of a CNAME chain, if the DNS said so. */
      readonly name?: string
    }
  /** The name does not exist (NXDOMAIN), or exists without such records. `secure`: DNSSEC proves it. */
  | { readonly kind: 'none'; readonly nameExists: boolean; readonly secure?: boolean }
  /** SERVFAIL, timeout, refusal: ask again later. */
  | { readonly kind: 'failed'; readonly reason: string }

export interface MxRecord {
  readonly preference: number
  /** Lower case without a trailing dot; '' is the null MX's root. */
  readonly exchange: string
}

/** RFC 2782. */
export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** Lower case without a trailing dot; '' says that the service is not offered. */
  readonly target: string
}

/** RFC 6698 §2.1. */
export interface TlsaRecord {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly data: Uint8Array
}

export interface Resolver {
  mx(name: string): Promise<DnsOutcome<MxRecord>>
  /** A and AAAA as text. */
  addresses(name: string): Promise<DnsOutcome<string>>
  txt(name: string): Promise<DnsOutcome<string>>
  srv(name: string): Promise<DnsOutcome<SrvRecord>>
  tlsa(name: string): Promise<DnsOutcome<TlsaRecord>>
  /** The names of an address (PTR). */
  reverse(address: string): Promise<DnsOutcome<string>>
}
