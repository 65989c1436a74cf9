/** A connection to one address of a host, protected and signed in as its route wants it. RFC 3207, RFC 7435. */
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Network } from '../../base/network.ts'
import type { Wheel } from '../../base/wheel.ts'
import { SmtpClient } from '../../protocol/smtp/client.ts'
import type { Host } from '../route.ts'

export interface ConnectTools {
  readonly network: Network
  readonly clock: Clock
  readonly wheel: Wheel
  readonly log: Log
  readonly hostname: string
}

/** A host that does not take a connection in this time is not there. RFC 5321 §4.5.3.2 leaves it to the kernel, which waits for minutes. */
const connectTimeoutMs = 30_000

/** Connects, says hello, starts TLS, signs in. Throws SmtpConnectionFault, SmtpReplyFault or the TLS fault. */
export async function connect(tools: ConnectTools, host: Host, address: string): Promise<SmtpClient> {
  const { network, clock, wheel, log, hostname } = tools
  const nearby = address === '::1' || address.startsWith('127.')
  // Where TLS is demanded somebody in the middle must not be able to give it; nobody is in the middle of this machine.
  const verified = (host.tls === 'required' || host.tls === 'implicit') && !nearby
  const tls = { serverName: host.name, verify: verified ? ('name' as const) : ('none' as const) }
  const open = (): Promise<SmtpClient> =>
    SmtpClient.connect({
      network,
      clock,
      wheel,
      log,
      address,
      port: host.port,
      hostname,
      connectTimeoutMs,
      tls: host.tls === 'implicit' ? tls : undefined,
    })
  let client = await open()
  try {
    if (host.tls === 'required' && !client.has('STARTTLS'))
      throw new Error('the route wants TLS, the server does not offer it')
    if (client.has('STARTTLS') && host.tls !== 'none' && host.tls !== 'implicit') {
      try {
        await client.startTls(tls)
      } catch (error) {
        if (host.tls === 'required') throw error
        // Opportunistic: a handshake that fails must not lose mail that plain text would deliver. RFC 7435.
        client.destroy()
        client = await open()
      }
    }
    if (host.username !== undefined) {
      if (!client.tls && !nearby) throw new Error('no password is sent without TLS')
      await client.authenticate(host.username, host.password ?? '', { plaintext: nearby })
    }
    return client
  } catch (error) {
    client.destroy()
    throw error
  }
}
