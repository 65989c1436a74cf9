/**
 * Submits a local user's message: to the server's socket, or, if no server runs, directly into the queue of a data folder that we may open.
 */
import { isLoopback } from '../../base/loopback.ts'
import { silentLog } from '../../base/log.ts'
import { Wheel } from '../../base/wheel.ts'
import type { Config } from '../../config/config.ts'
import type { Receiver } from '../../delivery/receiver.ts'
import type { AddressSource } from '../../directory/aliases.ts'
import { realClock } from '../../platform/real/clock.ts'
import { actAsOwnerOf } from '../../platform/real/privileges.ts'
import { realRandom } from '../../platform/real/random.ts'
import { unixNetwork } from '../../platform/real/unix-network.ts'
import type { Store } from '../../store/store.ts'
import type { People } from '../../system/directory.ts'
import { SmtpClient, SmtpReplyFault, type OutgoingEnvelope } from '../../protocol/smtp/client.ts'
import { replyText } from '../../protocol/smtp/wire/reply.ts'

/** A healthy server on this machine answers at once. */
const connectTimeoutMs = 10_000

export type Submitted =
  | { readonly kind: 'taken'; readonly words: string }
  /** Refused permanently. */
  | { readonly kind: 'refused'; readonly words: string }
  /** Failed temporarily. */
  | { readonly kind: 'later'; readonly words: string }

export interface Submission {
  /** `host:port`; 587 without a port. */
  readonly server: string
  readonly user: string | undefined
  readonly password: string | undefined
  readonly tls: 'auto' | 'implicit' | 'starttls' | 'none'
  /** The certificate is not checked. */
  readonly insecure: boolean
  readonly hostname: string
}

/** Submits to any submission server. RFC 6409, RFC 8314. */
export async function submitTo(wanted: Submission, envelope: OutgoingEnvelope, bytes: Uint8Array): Promise<Submitted> {
  const [{ realNetwork }, { realResolver }, { endpoint }] = await Promise.all([
    import('../../platform/real/network.ts'),
    import('../../platform/real/resolver.ts'),
    import('../../mail/option-kinds.ts'),
  ])
  const { host, port = 587 } = endpoint({ names: true }).read(wanted.server)
  const found = /^[\d.]+$|:/.test(host)
    ? { kind: 'found' as const, records: [host] }
    : await realResolver().addresses(host)
  if (found.kind !== 'found') return { kind: 'later', words: `${host} has no address` }
  const nearby = isLoopback(found.records[0]!)
  const tls = { serverName: host, verify: wanted.insecure ? ('none' as const) : ('name' as const) }
  const implicit = wanted.tls === 'implicit' || (wanted.tls === 'auto' && port === 465)
  let client: SmtpClient | undefined
  try {
    client = await SmtpClient.connect({
      network: realNetwork,
      clock: realClock,
      wheel: new Wheel(realClock),
      log: silentLog,
      address: found.records[0]!,
      port,
      hostname: wanted.hostname,
      connectTimeoutMs: 30_000,
      tls: implicit ? tls : undefined,
    })
    const offered = client.has('STARTTLS')
    if (!implicit && wanted.tls !== 'none' && offered) await client.startTls(tls)
    else if (wanted.tls === 'starttls') throw new Error('the server does not offer STARTTLS')
    if (wanted.user !== undefined) {
      if (!client.tls && !nearby) throw new Error('no password is sent without TLS')
      await client.authenticate(wanted.user, wanted.password ?? '', { plaintext: nearby })
    }
    return await deliver(client, envelope, bytes)
  } catch (error) {
    client?.destroy()
    return failed(error)
  }
}

function failed(error: unknown): Submitted {
  const refused = error instanceof SmtpReplyFault && error.reply.code >= 500
  return { kind: refused ? 'refused' : 'later', words: (error as Error).message }
}

async function deliver(client: SmtpClient, envelope: OutgoingEnvelope, bytes: Uint8Array): Promise<Submitted> {
  const { recipients } = await client.send(envelope, {
    sizeBytes: bytes.length,
    read: (start, end) => bytes.subarray(start, end),
  })
  await client.quit()
  const bad = recipients.findIndex(({ code }) => code >= 300)
  if (bad < 0) return { kind: 'taken', words: replyText(recipients[0]!) }
  const words = `<${envelope.recipients[bad]}>: ${replyText(recipients[bad]!)}`
  return { kind: recipients[bad]!.code < 500 ? 'later' : 'refused', words }
}

export async function submitLocally(config: Config, envelope: OutgoingEnvelope, bytes: Uint8Array): Promise<Submitted> {
  const client = await connectLocally(config)
  if (client instanceof Error) return submitDirectly(config, envelope, bytes, client)
  try {
    return await deliver(client, envelope, bytes)
  } catch (error) {
    client.destroy()
    return failed(error)
  }
}

async function connectLocally(config: Config): Promise<SmtpClient | Error> {
  const clock = realClock
  try {
    return await SmtpClient.connect({
      network: unixNetwork(config.submitSocket, 0o666),
      clock,
      wheel: new Wheel(clock),
      log: silentLog,
      address: config.submitSocket,
      port: 0,
      hostname: config.hostname,
      connectTimeoutMs,
    })
  } catch (error) {
    return error as Error
  }
}

/** The server's own receiver. */
async function receiverOn(config: Config, store: Store, addresses: AddressSource): Promise<Receiver> {
  const [{ Receiver }, { FairOrder }, { silentTrace }, { openChecks }] = await Promise.all([
    import('../../delivery/receiver.ts'),
    import('../../delivery/fair-order.ts'),
    import('../../delivery/trace.ts'),
    import('../../system/checks.ts'),
  ])
  const tools = { store, addresses, clock: realClock, log: silentLog, options: { now: config.transfer } }
  return new Receiver({
    ...tools,
    checks: openChecks(tools),
    fairOrder: new FairOrder(),
    random: realRandom,
    trace: silentTrace,
    authenticator: { verifyPassword: async () => null },
  })
}

/** With the server's own receiver, on the data folder: durable when it returns, relayed when the server runs again. */
async function submitDirectly(
  config: Config,
  envelope: OutgoingEnvelope,
  bytes: Uint8Array,
  why: Error,
): Promise<Submitted> {
  const [{ openStore }, { parseMailbox }, { Refusal }, { StoreDirectory }] = await Promise.all([
    import('../../store/sqlite/engine.ts'),
    import('../../mail/address.ts'),
    import('../../mail/status.ts'),
    import('../../directory/store-directory.ts'),
  ])
  const asBefore = actAsOwnerOf(config.data)
  let store
  try {
    store = await openStore({ folder: config.data, clock: realClock, log: silentLog })
  } catch (error) {
    asBefore()
    return {
      kind: 'later',
      words: `no server listens on ${config.submitSocket} (${why.message}), and ${config.data} cannot be opened (${(error as Error).message})`,
    }
  }
  let people
  try {
    if (config.directory.source !== 'store') people = await openDirectory(config, store)
    const receiver = await receiverOn(config, store, people?.directory ?? new StoreDirectory(store.read, realClock))
    const client = { ...localClient, helo: config.hostname }
    const reversePath = envelope.reversePath === '' ? null : (parseMailbox(envelope.reversePath) ?? null)
    const { body, smtpUtf8, ret, envelopeId, dsn } = envelope
    const transaction = await receiver.mail(client, reversePath, { body, smtpUtf8, ret, envelopeId })
    let refused: Submitted | undefined
    let taken = 0
    for (const [i, recipient] of envelope.recipients.entries()) {
      try {
        await transaction.recipient(parseMailbox(recipient)!, dsn?.[i] ?? {})
        taken++
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        const { code, enhanced, text } = error.status
        refused ??= { kind: code < 500 ? 'later' : 'refused', words: `<${recipient}>: ${code} ${enhanced} ${text}` }
      }
    }
    if (taken === 0) {
      transaction.abort()
      return refused!
    }
    const sink = transaction.data()
    const pieceBytes = 65_536
    for (let at = 0; at < bytes.length; at += pieceBytes)
      if (!sink.write(bytes.subarray(at, at + pieceBytes))) await sink.drained()
    const [reply] = await transaction.finish()
    return refused ?? { kind: 'taken', words: `${reply!.code} ${reply!.text}` }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { code, enhanced, text } = error.status
    return { kind: code < 500 ? 'later' : 'refused', words: `${code} ${enhanced} ${text}` }
  } finally {
    people?.close()
    await store.close().finally(asBefore)
  }
}

/** This program, as if it had connected. */
const localClient = {
  connectionId: 'sendmail',
  service: 'submission',
  peer: { address: '127.0.0.1', port: 0, localAddress: '127.0.0.1', localPort: 0 },
  tls: null,
  withProtocol: 'ESMTP',
  user: null,
  trusted: true,
} as const

/** With LDAP, local recipients may be known only there. */
async function openDirectory({ directory }: Config, store: Store): Promise<People> {
  const [{ openPeople }, { openLdap }, { realFiles }] = await Promise.all([
    import('../../system/directory.ts'),
    import('../../platform/real/ldap.ts'),
    import('../../platform/real/files.ts'),
  ])
  return openPeople(directory, { clock: realClock, files: realFiles, log: silentLog, openLdap }, store)
}
