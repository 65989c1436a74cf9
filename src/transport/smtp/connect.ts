/**
 * Connects to one address of a host, with TLS and sign-in as its route, its domain and the sender require. RFC 3207,
 * RFC 7435.
 */
import { isLoopback } from '../../base/loopback.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Network } from '../../base/network.ts'
import type { Wheel } from '../../base/wheel.ts'
import { SmtpClient } from '../../protocol/smtp/client.ts'
import type { Host } from '../route.ts'
import { throughProxy } from './socks.ts'
import type { NotedPolicy, TlsFailure } from './tls-notes.ts'
import {
  needsTls,
  noTlsFault,
  securityOf,
  tlsOptions,
  tlsWords,
  TlsPolicyFault,
  type Security,
  type SecurityTools,
} from './tls-policy.ts'

export interface ConnectTools extends SecurityTools {
  readonly network: Network
  readonly clock: Clock
  readonly wheel: Wheel
  readonly log: Log
  readonly hostname: string
}

/** Connect timeout. RFC 5321 §4.5.3.2 sets none, and the kernel waits for minutes. */
const connectTimeoutMs = 30_000

/** TLS version and cipher of a connection made here, and the kind of verification; undefined without TLS. */
export function assuranceOf(client: SmtpClient): string | undefined {
  return assurances.get(client)
}
const assurances = new WeakMap<SmtpClient, string>()

/**
 * Connects, sends EHLO, starts TLS, signs in. Throws SmtpConnectionFault, SmtpReplyFault, TlsPolicyFault or the TLS
 * fault.
 * @param security the result of `securityOf`, if already known.
 */
export async function connect(
  tools: ConnectTools,
  host: Host,
  address: string,
  security?: Security,
): Promise<SmtpClient> {
  const wanted = security ?? (await securityOf(tools, host))
  const { clock, wheel, log, hostname } = tools
  const network = host.proxy ? throughProxy(tools, host.proxy) : tools.network
  let declined: TlsFailure | undefined
  let localAddress: string | undefined
  const watched: Network = {
    ...network,
    async connect(options) {
      const connection = await network.connect(options)
      localAddress = connection.peer.localAddress
      return connection
    },
  }
  const tls = tlsOptions(tools, host, wanted, (failure) => (declined = failure))
  const open = (): Promise<SmtpClient> =>
    SmtpClient.connect({
      network: watched,
      clock,
      wheel,
      log,
      address,
      port: host.port,
      hostname,
      lmtp: host.lmtp ?? false,
      connectTimeoutMs,
      localAddress: localAddressFor(host, address),
      tls: host.tls === 'implicit' ? tls : undefined,
    })
  const note = noteOf(tools, host, wanted, () => ({ address, localAddress }))
  let client: SmtpClient
  try {
    client = await open()
  } catch (error) {
    if (host.tls === 'implicit') note(error, declined)
    throw error
  }
  try {
    if (wanted.kind !== 'none' && !client.tls) {
      if (client.has('STARTTLS')) {
        try {
          await client.startTls(tls)
        } catch (error) {
          note(error, declined)
          if (needsTls(wanted)) throw faultOf(error, host)
          // Opportunistic: mail must not fail on a handshake when it could go in the clear. RFC 7435.
          client.destroy()
          client = await open()
        }
      } else {
        note('starttls-not-supported')
        if (needsTls(wanted)) throw noTlsFault(host)
      }
    }
    if (client.tls) {
      if (wanted.kind === 'opportunistic' && wanted.testing && !client.tls.verified) note(client.tls.problem ?? '')
      else note(undefined)
      assurances.set(client, tlsWords(wanted, client.tls, clock.now()))
    }
    if (host.username !== undefined) {
      const nearby = isLoopback(address)
      if (!client.tls && !nearby) throw new Error('no password is sent without TLS')
      await client.authenticate(host.username, host.password ?? '', { plaintext: nearby })
    }
    return client
  } catch (error) {
    client.destroy()
    throw error
  }
}

/** The local address of the same family. */
function localAddressFor({ localAddresses }: Host, address: string): string | undefined {
  const six = address.includes(':')
  return localAddresses?.find((own) => own.includes(':') === six)
}

/** The fault of a required TLS handshake: temporary, but permanent if the sender required TLS. */
function faultOf(error: unknown, { demand }: Host): unknown {
  if (error instanceof TlsPolicyFault && demand !== 'requireTls') return error
  const { message } = error as Error
  return new TlsPolicyFault(demand === 'requireTls' ? '5.7.10' : '4.7.5', message)
}

/**
 * Returns a function that notes one connection for TLS reports: `undefined` is a success; a fault or text is mapped to
 * a result type of RFC 8460, unless `known` is given.
 */
function noteOf(
  { tlsNotes }: ConnectTools,
  host: Host,
  security: Security,
  where: () => { readonly address: string; readonly localAddress?: string },
): (outcome: unknown, known?: TlsFailure) => void {
  let noted = false
  return (outcome, known) => {
    if (noted || !tlsNotes || host.domain === undefined) return
    noted = true
    const policy = notedPolicy(security)
    const unfetched = security.kind === 'opportunistic' ? security.failure : undefined
    if (outcome === undefined) return tlsNotes.note(host, policy, unfetched, where())
    const reason = outcome instanceof Error ? outcome.message : String(outcome)
    tlsNotes.note(host, policy, known ?? failureOf(outcome, reason), { ...where(), reason })
  }
}

function notedPolicy(security: Security): NotedPolicy {
  if (security.kind === 'dane') return { type: 'tlsa', records: security.records }
  if (security.kind === 'sts') return { type: 'sts', policy: security.policy }
  const testing = security.kind === 'opportunistic' ? security.testing : undefined
  return testing ? { type: 'sts', policy: testing } : { type: 'no-policy-found' }
}

function failureOf(outcome: unknown, reason: string): TlsFailure {
  if (outcome === 'starttls-not-supported') return outcome
  if (/ALTNAME|does not match certificate/i.test(reason)) return 'certificate-host-mismatch'
  if (/EXPIRED|NOT_YET_VALID/i.test(reason)) return 'certificate-expired'
  return /CERT|SELF_SIGNED|VERIFY|does not fit/i.test(reason) ? 'certificate-not-trusted' : 'validation-failure'
}
