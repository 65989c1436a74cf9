/** Connects to a server: TLS and sign-in done, ready to send. RFC 3207, RFC 8314, RFC 4954. */
import type { TlsClientOptions } from '../../base/network.ts'
import { realNetwork } from '../../platform/real/network.ts'
import { SmtpClient } from '../../protocol/smtp/client.ts'
import { SmtpConnectionFault } from '../../protocol/smtp/client-session.ts'
import { checkConnectOptions } from './client-option-tables.ts'
import type { SmtpConnectOptions, SmtpTlsMode } from './client-options.ts'
import { overheard } from './dialogue.ts'
import { proxyNetwork } from './proxy.ts'
import { clientTools, ownName } from './tools.ts'

const connectTimeoutMsDefault = 30_000

/**
 * Connects, sends EHLO, starts TLS, signs in. The client sends one message at a time; call `quit()` when done.
 * Rejects with TypeError (an option), SmtpConnectionFault (no connection, not secure enough, no usable mechanism) or SmtpReplyFault (the
 * server refused).
 */
export async function connectSmtp(options: SmtpConnectOptions): Promise<SmtpClient> {
  checkConnectOptions(options)
  return connectChecked(options)
}

/** The same for options that were checked by the caller, and may have further keys. @internal */
export async function connectChecked(options: SmtpConnectOptions): Promise<SmtpClient> {
  const mode = options.tls ?? (options.port === 465 ? 'implicit' : 'starttls')
  const tls = tlsOptionsOf(options, mode)
  let client = await open(options, mode, tls)
  try {
    if (mode === 'starttls' && !client.has('STARTTLS'))
      throw new SmtpConnectionFault('the server offers no TLS (STARTTLS), and `tls: "starttls"` wants it')
    if (mode === 'starttls') await client.startTls(tls)
    else if (mode === 'opportunistic' && client.has('STARTTLS')) client = await tryTls(client, options, tls)
    await signIn(client, options)
    return client
  } catch (error) {
    client.destroy()
    throw error
  }
}

function tlsOptionsOf({ host, serverName, ca, verify }: SmtpConnectOptions, mode: SmtpTlsMode): TlsClientOptions {
  return {
    serverName: serverName ?? host,
    verify: verify === false || mode === 'opportunistic' ? 'none' : 'name',
    ca: typeof ca === 'string' ? [ca] : ca,
  }
}

function open(options: SmtpConnectOptions, mode: SmtpTlsMode, tls: TlsClientOptions): Promise<SmtpClient> {
  const { host, proxy, hostname, lmtp, localAddress, dialogue } = options
  const network = proxy ? proxyNetwork(proxy) : realNetwork
  return SmtpClient.connect({
    ...clientTools,
    network: dialogue ? overheard(network, dialogue) : network,
    address: host,
    port: options.port ?? (mode === 'implicit' ? 465 : 587),
    connectTimeoutMs: options.connectTimeoutMs ?? connectTimeoutMsDefault,
    hostname: hostname ?? ownName(),
    lmtp,
    localAddress,
    tls: mode === 'implicit' ? tls : undefined,
  })
}

/** Opportunistic TLS: a failed handshake must not stop mail that clear text would deliver. RFC 7435. */
async function tryTls(client: SmtpClient, options: SmtpConnectOptions, tls: TlsClientOptions): Promise<SmtpClient> {
  try {
    await client.startTls(tls)
    return client
  } catch {
    client.destroy()
    return open(options, 'opportunistic', tls)
  }
}

async function signIn(client: SmtpClient, { auth, host }: SmtpConnectOptions): Promise<void> {
  if (!auth) return
  const plaintext = /^(?:localhost|127\.[\d.]+|::1)$/i.test(host)
  if ('password' in auth) return client.authenticate(auth.username, auth.password, { plaintext })
  const token = typeof auth.token === 'function' ? await auth.token() : auth.token
  await client.authenticateToken(auth.username, token, { plaintext })
}
