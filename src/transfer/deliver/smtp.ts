/** One attempt to hand a message to another host by SMTP: hosts in order, addresses in order, the first that answers decides. RFC 5321 §5.1. */
import type { MessageBytes } from '../../mail/content.ts'
import { SmtpReplyFault, type OutgoingEnvelope, type SmtpClient } from '../../protocol/smtp/client.ts'
import { replyText, type Reply } from '../../protocol/smtp/wire/reply.ts'
import type { Host } from '../route.ts'
import { connect, type ConnectTools } from './connect.ts'
import { offerFor } from './convert.ts'

/** What became of one recipient in this attempt. */
export interface AttemptResult {
  readonly kind: 'relayed' | 'later' | 'never'
  readonly enhanced: string
  /** The remote's words, or ours when it did not come to that. */
  readonly words: string
  /** The host that said it. */
  readonly host?: string
  /** It was told what the sender wishes to hear, and answers for it from now on. RFC 3461 §5.2.1. */
  readonly reports?: boolean
  /** Version and cipher of the connection, where it had TLS. */
  readonly tls?: string
  /** What became of the hosts and addresses that were tried before it. */
  readonly tried?: readonly string[]
}

/** Hosts without success that the journey tells of. */
const triedMax = 10

function resultOf(reply: Reply, host: string): AttemptResult {
  const kind = reply.code < 300 ? 'relayed' : reply.code < 500 ? 'later' : 'never'
  const enhanced = reply.enhanced || (kind === 'relayed' ? '2.0.0' : kind === 'later' ? '4.0.0' : '5.0.0')
  return { kind, enhanced, words: replyText(reply), host }
}

export async function attempt(
  tools: ConnectTools,
  hosts: readonly Host[],
  envelope: OutgoingEnvelope,
  bytes: MessageBytes,
): Promise<AttemptResult[]> {
  let last: AttemptResult = { kind: 'later', enhanced: '4.4.1', words: 'No host could be reached' }
  const failed: string[] = []
  for (const host of hosts) {
    for (const address of host.addresses) {
      const outcome = await tryAddress(tools, host, address, envelope, bytes)
      const tried = failed.length === 0 ? undefined : [...failed]
      if (Array.isArray(outcome)) return outcome.map((result) => ({ ...result, tried }))
      last = { ...outcome, tried }
      if (failed.length < triedMax) failed.push(`${outcome.host ?? host.name}: ${outcome.words}`)
    }
  }
  return envelope.recipients.map(() => last)
}

/** Results for each recipient when the host decided; one result when the next address should be tried. */
async function tryAddress(
  tools: ConnectTools,
  host: Host,
  address: string,
  envelope: OutgoingEnvelope,
  bytes: MessageBytes,
): Promise<AttemptResult[] | AttemptResult> {
  const where = `${host.name} [${address}]`
  let client: SmtpClient | undefined
  let offered = false
  try {
    client = await connect(tools, host, address)
    const offer = await offerFor(client, { envelope, bytes })
    if ('code' in offer) {
      void client.quit()
      return {
        kind: 'never',
        enhanced: offer.enhanced,
        words: `${offer.code} ${offer.enhanced} ${offer.text}`,
        host: where,
      }
    }
    offered = true
    const { recipients } = await client.send(offer.envelope, offer.bytes)
    const reports = client.has('DSN')
    const tls = client.tls ? `${client.tls.version} ${client.tls.cipher}` : undefined
    void client.quit()
    return recipients.map((reply) => ({ ...resultOf(reply, where), tls, reports }))
  } catch (error) {
    client?.destroy()
    if (!(error instanceof SmtpReplyFault)) {
      return { kind: 'later', enhanced: offered ? '4.4.2' : '4.4.1', words: (error as Error).message, host: where }
    }
    const result = resultOf(error.reply, where)
    // A final no to the message is final; to the greeting it is that host's own trouble, and the next MX may be well. RFC 5321 §3.1.
    return offered && result.kind === 'never'
      ? envelope.recipients.map(() => result)
      : { ...result, kind: offered ? result.kind : 'later' }
  }
}
