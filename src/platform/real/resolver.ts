/** The DNS by our own stub resolver: the system's servers, or those of `dns.servers`. */
import { isIP } from 'node:net'
import type { DnsOutcome, Resolver } from '../../base/resolver.ts'
import { dnsServers } from './dns/servers.ts'
import { StubResolver } from './dns/stub.ts'

export interface ResolverOptions {
  /** The servers validate DNSSEC and the path to them is secure: their answers can be used for DANE. */
  readonly validated?: boolean
  /** How long each server may take, round by round. */
  readonly timeoutsMs?: readonly number[]
}

/** @param servers `address` or `address:port`; undefined or none: the system's. */
export function realResolver(servers?: readonly string[], options: ResolverOptions = {}): Resolver {
  const { validated = false, timeoutsMs } = options
  const stub = new StubResolver({ servers: dnsServers(servers), validated, timeoutsMs })
  return {
    mx: (name) => stub.ask(name, 'mx'),
    async addresses(name) {
      // "localhost" is answered here and must not be sent to a server. RFC 6761 §6.3.
      if (name === 'localhost' || name.endsWith('.localhost')) return { kind: 'found', records: ['127.0.0.1', '::1'] }
      return joined(...(await Promise.all([stub.ask(name, 'a'), stub.ask(name, 'aaaa')])))
    },
    srv: (name) => stub.ask(name, 'srv'),
    tlsa: (name) => stub.ask(name, 'tlsa'),
    txt: (name) => stub.ask(name, 'txt'),
    reverse: (address) => stub.ask(reverseName(address), 'ptr'),
  }
}

/**
 * Both families as one answer. If one failed and the other has addresses, that is no failure, and `secure` is that of the other: else an
 * attacker who drops the answers for one family could make the other's addresses insecure, and so disable DANE.
 */
function joined(four: DnsOutcome<string>, six: DnsOutcome<string>): DnsOutcome<string> {
  const both = [four, six]
  const found = both.filter((outcome) => outcome.kind === 'found')
  const secure = both.every((outcome) => outcome.kind === 'failed' || outcome.secure === true)
  if (found.length > 0)
    return { kind: 'found', records: found.flatMap(({ records }) => records), secure, name: found[0]!.name }
  if (four.kind === 'failed') return four
  if (six.kind === 'failed') return six
  return { kind: 'none', nameExists: both.some((outcome) => outcome.kind === 'none' && outcome.nameExists), secure }
}

/** RFC 1035 §3.5, RFC 3596 §2.5; '' for what is no address. */
function reverseName(address: string): string {
  if (isIP(address) === 4) return `${address.split('.').reverse().join('.')}.in-addr.arpa`
  if (isIP(address) !== 6) return ''
  const plain = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const [head = '', tail] = plain.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const after = groups(tail ?? '')
  const before = groups(head)
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return `${[...all.map((group) => group.padStart(4, '0')).join('')].reverse().join('.')}.ip6.arpa`
}
