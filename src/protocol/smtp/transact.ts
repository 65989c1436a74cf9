/** One message to one server: MAIL, RCPT and the bytes, by DATA or by BDAT. RFC 5321 §3.3, RFC 2920, RFC 3030. */
import { readSliceBytes, type MessageBytes } from '../../mail/content.ts'
import { DotStuffer } from '../text/dots.ts'
import { SmtpReplyFault } from './client-faults.ts'
import { clientTimeouts, type SmtpClientSession } from './client-session.ts'
import { mailLine, recipientLine, type OutgoingEnvelope } from './outgoing.ts'
import type { Reply } from './wire/reply.ts'

export interface Wire {
  readonly session: SmtpClientSession
  readonly extensions: ReadonlyMap<string, string>
  readonly lmtp: boolean
  readonly nowMs: number
}

/** What one BDAT carries. A server can say no only behind a piece, so a refused message costs one of them; and each costs a line and a reply. */
const chunkBytes = 1024 * 1024

/** @returns the reply that decides about each recipient. Throws SmtpReplyFault, SmtpConnectionFault. */
export async function transact(wire: Wire, envelope: OutgoingEnvelope, bytes: MessageBytes): Promise<Reply[]> {
  const { session, extensions, lmtp, nowMs } = wire
  const lines = [
    mailLine(extensions, envelope, bytes.sizeBytes, nowMs),
    ...envelope.recipients.map((address, i) => recipientLine(extensions, address, envelope.dsn?.[i])),
  ]
  const chunking = extensions.has('CHUNKING')
  const replies: Reply[] = []
  let data: Promise<Reply> | undefined
  if (extensions.has('PIPELINING')) {
    const waiting = lines.map((line) => session.command(line))
    // BDAT waits for these replies (RFC 3030 §2); DATA need not, since it waits for one of its own.
    if (!chunking) {
      data = session.command('DATA', clientTimeouts.dataInitiation)
      data.catch(() => {})
    }
    replies.push(...(await Promise.all(waiting)))
  } else {
    for (const line of lines) {
      replies.push(await session.command(line))
      if (replies[0]!.code >= 300) break
    }
  }
  const [mail, ...recipients] = replies as [Reply, ...Reply[]]
  const taken = recipients.filter(({ code }) => code < 300).length
  if (mail.code >= 300 || taken === 0) {
    // DATA was pipelined though no recipient is left: a 354 is answered by an empty message, which goes to nobody. RFC 2920 §3.1.
    if ((await data)?.code === 354) await session.command('.', clientTimeouts.dataTermination)
    else if (mail.code < 300) await session.command('RSET')
    if (mail.code >= 300) throw new SmtpReplyFault('MAIL', mail)
    return recipients
  }
  const finals = await (chunking
    ? sendChunks(wire, bytes, lmtp ? taken : 1)
    : sendData(session, data, bytes, lmtp ? taken : 1))
  let next = 0
  return recipients.map((reply) => {
    if (reply.code >= 300) return reply
    return lmtp && finals.length > 1 ? finals[next++]! : finals[0]!
  })
}

async function sendData(
  session: SmtpClientSession,
  data: Promise<Reply> | undefined,
  bytes: MessageBytes,
  finals: number,
): Promise<Reply[]> {
  const go = await (data ?? session.command('DATA', clientTimeouts.dataInitiation))
  if (go.code !== 354) throw new SmtpReplyFault('DATA', go)
  const waiting = expectFinals(session, finals)
  await session.stream(async function* () {
    const stuffer = new DotStuffer()
    for await (const piece of piecesOf(bytes, 0, bytes.sizeBytes)) yield stuffer.push(piece)
    yield stuffer.end()
  })
  return Promise.all(waiting)
}

/** @returns the replies to the message; one, for all recipients, when a piece was refused before the last. */
async function sendChunks(
  { session, extensions }: Wire,
  bytes: MessageBytes,
  finals: number,
): Promise<readonly Reply[]> {
  const pipelining = extensions.has('PIPELINING')
  const { sizeBytes } = bytes
  let refused: Reply | undefined
  const underWay: Promise<unknown>[] = []
  for (let at = 0; sizeBytes - at > chunkBytes; at += chunkBytes) {
    const reply = sendChunk(session, bytes, at, at + chunkBytes, false, 1)
    underWay.push(
      reply.replies[0]!.then(
        (said) => (refused ??= said.code >= 300 ? said : undefined),
        () => {},
      ),
    )
    await reply.sent
    if (!pipelining) await underWay.at(-1)
    if (refused) break
  }
  if (!refused) {
    const lastAt = sizeBytes === 0 ? 0 : Math.floor((sizeBytes - 1) / chunkBytes) * chunkBytes
    const last = sendChunk(session, bytes, lastAt, sizeBytes, true, finals)
    await last.sent
    await Promise.all(underWay)
    // The piece behind a refused one is out of order, and answered once.
    if (!refused) return Promise.all(last.replies)
    await last.replies[0]
  } else await Promise.all(underWay)
  // What a refused piece leaves behind is not certain (RFC 3030 §2); in LMTP not even how many replies the last piece has.
  if (finals > 1) session.close()
  else await session.command('RSET')
  return [refused!]
}

function sendChunk(
  session: SmtpClientSession,
  bytes: MessageBytes,
  start: number,
  end: number,
  last: boolean,
  finals: number,
): { readonly sent: Promise<void>; readonly replies: Promise<Reply>[] } {
  const replies = last ? expectFinals(session, finals) : [session.expect(clientTimeouts.dataBlock)]
  for (const reply of replies) reply.catch(() => {})
  const sent = session.stream(async function* () {
    yield Buffer.from(`BDAT ${end - start}${last ? ' LAST' : ''}\r\n`)
    yield* piecesOf(bytes, start, end)
  })
  return { sent, replies }
}

function expectFinals(session: SmtpClientSession, count: number): Promise<Reply>[] {
  const waiting = Array.from({ length: count }, () => session.expect(clientTimeouts.dataTermination))
  for (const reply of waiting) reply.catch(() => {})
  return waiting
}

async function* piecesOf(bytes: MessageBytes, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += readSliceBytes) yield await bytes.read(at, Math.min(at + readSliceBytes, end))
}
