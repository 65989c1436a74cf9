/** What a proxy or filter says of the client behind it: the attributes of XCLIENT and XFORWARD, as Postfix's XCLIENT_README and XFORWARD_README have them. */
import { parseIpAddress } from '../../base/ip-network.ts'
import type { Peer } from '../../base/network.ts'
import { decodeXtext, SyntaxFault } from './wire/arguments.ts'

/** undefined: nothing was said. null: the proxy does not know it. */
export interface Forwarded {
  readonly name?: string | null
  readonly addr?: string | null
  readonly port?: number | null
  readonly proto?: 'SMTP' | 'ESMTP' | null
  readonly helo?: string | null
  /** Who has signed in at the proxy. XCLIENT alone. */
  readonly login?: string | null
  readonly destaddr?: string | null
  readonly destport?: number | null
  /** What the message is called there. XFORWARD alone. */
  readonly ident?: string | null
  readonly source?: 'LOCAL' | 'REMOTE' | null
}

/** In the order of their EHLO keyword. */
export const xclientAttributes = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'] as const
export const xforwardAttributes = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'] as const

type Attribute = (typeof xclientAttributes | typeof xforwardAttributes)[number]

/** XFORWARD_README; long enough for a domain name, and for an address of LOGIN with it. */
const valueBytesMax = 320

/** An address that no host has: its owner is unknown, and no network of ours holds it. RFC 1122 §3.2.1.3. */
const unknownAddress = '0.0.0.0'

const readers: Readonly<Record<Attribute, (value: string) => string | number | undefined>> = {
  NAME: (value) => (/^[!-~]+$/.test(value) ? value.toLowerCase() : undefined),
  ADDR: address,
  PORT: port,
  PROTO: (value) => (/^E?SMTP$/i.test(value) ? value.toUpperCase() : undefined),
  HELO: printable,
  LOGIN: printable,
  DESTADDR: address,
  DESTPORT: port,
  IDENT: printable,
  SOURCE: (value) => (/^(?:LOCAL|REMOTE)$/i.test(value) ? value.toUpperCase() : undefined),
}

function printable(value: string): string | undefined {
  return /^[ -~\u0080-\u00ff]+$/.test(value) ? value : undefined
}

/** IPv6 with its prefix, as in address literals; without it too, since proxies forget it. */
function address(value: string): string | undefined {
  const plain = value.replace(/^IPv6:/i, '').toLowerCase()
  return parseIpAddress(plain) ? plain : undefined
}

function port(value: string): number | undefined {
  return /^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) < 65_536 ? Number(value) : undefined
}

/** @param known the attributes that this command has. Throws a SyntaxFault. */
export function parseForwarded(text: string, verb: string, known: readonly Attribute[]): Forwarded {
  const rule = `${verb} ${known[0]}=value …, of ${known.join(', ')}`
  const given: Record<string, string | number | null> = {}
  const words = text.split(' ').filter((word) => word !== '')
  if (words.length === 0) throw new SyntaxFault(rule)
  for (const word of words) {
    const equals = word.indexOf('=')
    const name = known.find((one) => one === word.slice(0, Math.max(0, equals)).toUpperCase())
    const value = decodeXtext(word.slice(equals + 1))
    if (!name || value === undefined || value.length > valueBytesMax) throw new SyntaxFault(rule)
    if (/^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value)) {
      given[name.toLowerCase()] = null
      continue
    }
    const read = readers[name](value)
    if (read === undefined) throw new SyntaxFault(rule)
    given[name.toLowerCase()] = read
  }
  return given
}

/** The client as it is to be taken for, where a proxy has said something. */
export function peerBehind(proxy: Peer, { addr, port: from, destaddr, destport }: Forwarded): Peer {
  return {
    address: addr === undefined ? proxy.address : (addr ?? unknownAddress),
    port: from === undefined ? proxy.port : (from ?? 0),
    localAddress: destaddr ?? proxy.localAddress,
    localPort: destport ?? proxy.localPort,
  }
}
