/** The options of `[[route]]`, and the types of their values. */
import * as kinds from '../base/options/kinds.ts'
import { option, table } from '../base/options/option.ts'
import { parseDomain, parseMailbox } from '../mail/address.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import type { Proxy } from './static-routes.ts'

export const routeOptions = table({
  domain: option(
    mailKinds.domainPattern,
    undefined,
    'Recipient domains of this route; the most specific match wins. May be left out with sender: then all domains.',
    '*',
  ),
  sender: option(
    sender(),
    undefined,
    'Only messages from this sender address, or domain ("@example.org"). Of two routes for one domain, the one with a sender wins.',
    '@example.org',
  ),
  to: option(
    endpoints(),
    undefined,
    "The next hop, or several in order of preference; without a port 25 (LMTP: 24). If it is left out, mail goes to the domain's MX hosts with the other keys of this route.",
    [{ host: 'relay.example.net', port: 587 }],
  ),
  protocol: option(
    kinds.choice('smtp', 'lmtp'),
    'smtp',
    '"lmtp": the hosts in `to` file the mail, and answer for each recipient (RFC 2033), as Dovecot or another mailbox server does. The port is 24 if `to` has none, and never 25.',
  ),
  tls: option(
    kinds.choice('opportunistic', 'required', 'implicit', 'none'),
    undefined,
    '"required": STARTTLS with a valid certificate, or the mail waits; the default with a username. "implicit": TLS from the first byte. "opportunistic": TLS if offered; the default otherwise. "none": no TLS.',
    'required',
  ),
  username: option(kinds.text, undefined, 'The user name to sign in with.', 'user@example.net'),
  passwordFile: option(
    kinds.path,
    undefined,
    'A file whose first line is the password, so that the configuration itself has no secret.',
    './relay-password',
  ),
  sourceAddresses: option(
    kinds.list(ipAddress(), 1),
    undefined,
    'Local source addresses of connections: one IPv4, one IPv6, or both. A family without one is not used on this route.',
    ['192.0.2.25'],
  ),
  proxy: option(
    socksProxy(),
    undefined,
    'A SOCKS5 proxy for connections (RFC 1928). Names are resolved here; with "socks5h://" the proxy resolves the names in `to` and of MX hosts, and there is no DANE.',
    { host: '127.0.0.1', port: 1080 },
  ),
  proxyPasswordFile: option(
    kinds.path,
    undefined,
    'A file whose first line is the password for the proxy.',
    './proxy-password',
  ),
  fallback: option(
    kinds.flag,
    false,
    'Uses this route when no MX host of a domain can be reached, or the DNS does not answer. What an MX host rejects is still rejected.',
  ),
  fallbackAfterMs: option(
    kinds.duration,
    0,
    'Uses the fallback only for messages that have waited this long. 0: as soon as the MX hosts cannot be reached.',
  ),
})

function endpoints(): kinds.Kind<readonly mailKinds.Endpoint[]> {
  const one = mailKinds.endpoint({ names: true })
  const several = kinds.list(one, 1)
  return {
    words: `${one.words}, or a list of them`,
    read: (value) => (Array.isArray(value) ? several.read(value) : [one.read(value)]),
    format: (value) => (value.length === 1 ? one.format(value[0]!) : several.format(value)),
  }
}

function sender(): kinds.Kind<string> {
  const words = 'an address, or "@example.org" for all of a domain'
  return {
    words,
    read(value) {
      const text = kinds.text.read(value)
      const domain = text.startsWith('@') ? parseDomain(text.slice(1)) : undefined
      const mailbox = parseMailbox(text)
      if (domain !== undefined) return `@${domain}`
      if (!mailbox) throw new kinds.ValueFault(`must be ${words}`)
      return `${mailbox.localPart.toLowerCase()}@${mailbox.domain}`
    },
    format: (value) => JSON.stringify(value),
  }
}

function ipAddress(): kinds.Kind<string> {
  return {
    words: 'an IP address',
    read(value) {
      const text = kinds.text.read(value)
      if (mailKinds.addressFamily(text) === 0) throw new kinds.ValueFault('must be an IP address')
      return text
    },
    format: (value) => JSON.stringify(value),
  }
}

const socksDefaultPort = 1080

function socksProxy(): kinds.Kind<Proxy> {
  const words = 'a SOCKS5 server, as "socks5://127.0.0.1:1080" or "socks5://name@host:1080"'
  return {
    words,
    read(value) {
      const found = /^socks5(h?):\/\/(?:([^@/:\s]{1,255})@)?(.+)$/i.exec(kinds.text.read(value))
      if (!found) throw new kinds.ValueFault(`must be ${words}`)
      const { host, port } = mailKinds.endpoint({ names: true }).read(found[3])
      const username = found[2] === undefined ? {} : { username: decodeURIComponent(found[2]) }
      const resolvesNames = found[1] === '' ? {} : { resolvesNames: true }
      return { host, port: port ?? socksDefaultPort, ...username, ...resolvesNames }
    },
    format({ host, port, username, resolvesNames }) {
      const name = username === undefined ? '' : `${encodeURIComponent(username)}@`
      return JSON.stringify(
        `socks5${resolvesNames ? 'h' : ''}://${name}${host.includes(':') ? `[${host}]` : host}:${port}`,
      )
    },
  }
}
