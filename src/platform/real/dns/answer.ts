/** Reads the records of the queried name from a response: follows CNAMEs, ignores unrelated records. RFC 1034 §3.6.2, RFC 2308 §2. */
import { codes, recordTypes, type DnsMessage, type RecordType } from './message.ts'
import { readRecord, type RecordValues } from './records.ts'

export type Answer<T> =
  | { readonly kind: 'found'; readonly records: readonly T[]; readonly name: string; readonly ttlS: number }
  /** `ttlS` undefined: without an SOA there is no TTL, so it is not cached. RFC 2308 §5. */
  | { readonly kind: 'none'; readonly nameExists: boolean; readonly ttlS: number | undefined }
  /** The CNAME chain ends outside of the response: this name must be queried next. */
  | { readonly kind: 'alias'; readonly name: string; readonly ttlS: number }
  | { readonly kind: 'failed'; readonly reason: string }

/** Real chains are shorter; a longer one is a loop or an attack. */
export const aliasesMax = 8

const failures: Readonly<Record<number, string>> = {
  [codes.formatError]: 'FORMERR',
  [codes.serverFailure]: 'SERVFAIL',
  [codes.notImplemented]: 'NOTIMP',
  [codes.refused]: 'REFUSED',
}

/** Throws a DnsFault where the records that matter cannot be read. */
export function readAnswer<T extends RecordType>(message: DnsMessage, asked: string, type: T): Answer<RecordValues[T]> {
  const { code, answers, bytes } = message
  if (code !== codes.ok && code !== codes.noName) return { kind: 'failed', reason: failures[code] ?? `RCODE ${code}` }
  let name = asked
  let ttlS = Infinity
  for (let aliases = 0; aliases <= aliasesMax; aliases++) {
    const own = answers.filter((record) => record.name === name)
    const found = own.filter((record) => record.type === recordTypes[type])
    if (found.length > 0) {
      for (const record of found) ttlS = Math.min(ttlS, record.ttlS)
      const records = found.map(({ start, end }) => readRecord(type, bytes, start, end))
      return { kind: 'found', records, name, ttlS }
    }
    const alias = own.find((record) => record.type === recordTypes.cname)
    if (!alias) return name === asked || code === codes.noName ? none(message) : leadsOut(message, name, ttlS)
    ttlS = Math.min(ttlS, alias.ttlS)
    name = readRecord('cname', bytes, alias.start, alias.end)
  }
  return { kind: 'failed', reason: 'too many aliases' }
}

function none(message: DnsMessage): Extract<Answer<never>, { kind: 'none' }> {
  const soa = message.authorities.find(({ type }) => type === recordTypes.soa)
  const ttlS = soa && Math.min(soa.ttlS, readRecord('soa', message.bytes, soa.start, soa.end))
  return { kind: 'none', nameExists: message.code === codes.ok, ttlS }
}

/** With an SOA the end of the chain has no such records; without one the server did not look it up. */
function leadsOut(message: DnsMessage, name: string, ttlS: number): Answer<never> {
  const negative = none(message)
  return negative.ttlS === undefined ? { kind: 'alias', name, ttlS } : negative
}
