/** What is known of a client, as receivers are told it. */
import type { SmtpClientFacts } from './backend.ts'
import type { Forwarded } from './forwarded.ts'
import type { ServerState } from './command.ts'

/** @param client what a proxy has said of it, where one has. */
export function factsOf(state: ServerState, client: Forwarded | undefined): SmtpClientFacts {
  const { options, host, peer, origin, helo, user, trusted } = state
  return {
    connectionId: options.connectionId,
    service: options.service,
    peer,
    proxy: client?.addr === undefined ? undefined : host.peer.address,
    clientName: client?.name ?? undefined,
    origin,
    tls: host.tls,
    // What was said by XCLIENT stays over the greeting.
    helo: client?.helo ?? helo ?? '',
    withProtocol: withProtocol(state, client),
    user,
    trusted,
  }
}

/** RFC 3848; RFC 6531 §4.3. */
function withProtocol({ options, host, extended, smtpUtf8, user }: ServerState, client: Forwarded | undefined): string {
  const lmtp = options.service === 'lmtp'
  const base = lmtp ? 'LMTP' : (client?.proto ?? (extended ? 'ESMTP' : 'SMTP'))
  const secured = `${host.tls ? 'S' : ''}${user ? 'A' : ''}`
  return smtpUtf8 ? `UTF8${lmtp ? 'LMTP' : 'SMTP'}${secured}` : `${base}${secured}`
}
