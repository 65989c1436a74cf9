/** Where a queued recipient goes: to the hosts of a domain, to a named host, or to a mailbox here. RFC 5321 §5, RFC 2033. */

/** What a recipient waits for. Each kind has one transport (`queue/transport.ts`). */
export type Destination =
  /** A domain or address literal, in the form of `parseDomain`: to its route, or its mail hosts by SMTP. */
  | { readonly kind: 'domain'; readonly domain: string }
  /** By SMTP to this host, as an operator wants it. An IPv6 address has no brackets. */
  | { readonly kind: 'host'; readonly host: string; readonly port: number }
  /** By LMTP to this host. */
  | { readonly kind: 'lmtp'; readonly host: string; readonly port: number }
  /** A mailbox of this system, later. */
  | { readonly kind: 'local' }
  /** Given up by an operator: it bounces with its last reply. */
  | { readonly kind: 'failed' }

/** A destination on other hosts. */
export type HostDestination = Extract<Destination, { kind: 'domain' | 'host' | 'lmtp' }>

/** Destinations that are alike have one key: the next hop of one of them is the next hop of all. */
export type DestinationKey = string

export const localDestination: Destination = { kind: 'local' }
export const failedDestination: Destination = { kind: 'failed' }

const localKey = '(local)'
const failedKey = '(failed)'
const hostMark = '='
const lmtpMark = 'lmtp:'

export const smtpPort = 25
/** LMTP has no port of its own: 24 is for private mail systems, and the usual one of Postfix and Dovecot. */
export const lmtpPort = 24

export function domainDestination(domain: string): Extract<Destination, { kind: 'domain' }> {
  return { kind: 'domain', domain }
}

/**
 * The text under which rows of the queue are stored, indexed and leased. It is the stored form, which rows and records of
 * all versions have: a domain stands for itself, and no domain looks like one of the others.
 */
export function destinationKey(destination: Destination): DestinationKey {
  switch (destination.kind) {
    case 'domain':
      // An address literal has its own form.
      return destination.domain.startsWith('[') ? destination.domain : destination.domain.toLowerCase()
    case 'host':
      return `${hostMark}${destination.host.toLowerCase()}:${destination.port}`
    case 'lmtp':
      return `${lmtpMark}${inBrackets(destination.host.toLowerCase())}:${destination.port}`
    case 'local':
      return localKey
    case 'failed':
      return failedKey
  }
}

function inBrackets(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** The destination of a key; any other text is taken for a domain. */
export function parseDestination(key: DestinationKey): Destination {
  if (key === localKey) return localDestination
  if (key === failedKey) return failedDestination
  if (!key.startsWith(hostMark)) return (key.startsWith(lmtpMark) && parseHost(key)) || domainDestination(key)
  const colon = key.lastIndexOf(':')
  return { kind: 'host', host: key.slice(hostMark.length, colon), port: Number(key.slice(colon + 1)) }
}

/**
 * A host as an operator writes it: `host`, `host:port`, `1.2.3.4:port` or `[2001:db8::1]:port` for SMTP, and the same behind
 * `lmtp:`. @returns undefined for other texts, and for LMTP to port 25: a server there speaks SMTP. RFC 2033 §5.
 */
export function parseHost(text: string): Extract<Destination, { kind: 'host' | 'lmtp' }> | undefined {
  const kind = text.startsWith(lmtpMark) ? 'lmtp' : 'host'
  const place = kind === 'lmtp' ? text.slice(lmtpMark.length) : text
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*))(?::(\d{1,5}))?$/.exec(place)
  const port = Number(found?.[3] ?? (kind === 'lmtp' ? lmtpPort : smtpPort))
  if (!found || port < 1 || port > 65_535 || (kind === 'lmtp' && port === smtpPort)) return undefined
  return { kind, host: (found[1] ?? found[2]!).toLowerCase(), port }
}
