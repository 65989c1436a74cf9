/** Where an organisation's domain begins, by the public suffix list. RFC 7489 §3.2. */
import { createRequire } from 'node:module'

/** The part of tldts that we use. */
interface Tldts {
  getDomain(name: string, options: { allowPrivateDomains: boolean; extractHostname: boolean }): string | null
}
let tldts: Tldts | undefined
// Its list takes 20 ms to load, which a start without DMARC should not pay.
const loadTldts = (): Tldts => (tldts ??= createRequire(import.meta.url)('tldts') as Tldts)

/** The name below its public suffix; the name itself where it is one. */
export function organizationalDomain(domain: string): string {
  const name = domain.toLowerCase().replace(/\.$/, '')
  return loadTldts().getDomain(name, { allowPrivateDomains: true, extractHostname: false }) ?? name
}
