/** One message to one server: MAIL, RCPT and the bytes, by DATA or by BDAT. RFC 5321 §3.3, RFC 2920, RFC 3030. */
import { bytesOf } from '../../base/bytes.ts'
import { readSliceBytes, type MessageBytes } from '../../mail/content.ts'
import { DotStuffer } from '../text/dots.ts'
import { brokenOff, SmtpChunkingFault, SmtpReplyFault } from './client-faults.ts'
import { clientTimeouts, SmtpConnectionFault, type SmtpClientSession } from './client-session.ts'
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

/** The reply that decides about a recipient. */
export interface RecipientReply extends Reply {
  /** It had as many as it takes at a time: the recipient can be offered in a transaction of its own. */
  readonly tooMany?: true
}

/**
 * A server that has taken some recipients and takes no more says 452, or, as RFC 821 had it, 552, which is for now as well
 * (RFC 5321 §4.5.3.1.10). By their enhanced code both are told from full mailboxes and disks; without one it is the likely meaning.
 */
function tooMany(reply: Reply, someTaken: boolean): RecipientReply {
  if (reply.code !== 452 && reply.code !== 552) return reply
  if (!(reply.enhanced === '' ? someTaken : /^[45]\.5\.3$/.test(reply.enhanced))) return reply
  const forNow = { ...reply, code: 452, enhanced: '4.5.3' }
  return someTaken ? { ...forNow, tooMany: true } : forNow
}

/** @returns the reply that decides about each recipient. Throws SmtpReplyFault, SmtpConnectionFault. */
export async function transact(wire: Wire, envelope: OutgoingEnvelope, bytes: MessageBytes): Promise<RecipientReply[]> {
  const { session, extensions, lmtp, nowMs } = wire
  const lines = [
    mailLine(extensions, envelope, bytes.sizeBytes, nowMs),
    ...envelope.recipients.map((address, i) => recipientLine(extensions, address, envelope.dsn?.[i])),
  ]
  const chunking = extensions.has('CHUNKING')
  const { replies, go } = extensions.has('PIPELINING')
    ? await askTogether(session, lines, !chunking)
    : { replies: await askInTurn(session, lines) }
  const [mail, ...recipients] = replies as [Reply, ...Reply[]]
  const taken = recipients.filter(({ code }) => code < 300).length
  if (mail.code >= 300 || taken === 0) {
    // DATA was pipelined though no recipient is left: a 354 is answered by an empty message, which goes to no recipient. RFC 2920 §3.1.
    if (go?.code === 354) await session.command('.', clientTimeouts.dataTermination)
    else if (mail.code < 300) await session.command('RSET')
    if (mail.code >= 300) throw new SmtpReplyFault('MAIL', mail)
    return recipients.map((reply) => tooMany(reply, false))
  }
  const finals = await (chunking
    ? sendChunks(wire, bytes, lmtp ? taken : 1)
    : sendData(session, go, bytes, lmtp ? taken : 1))
  let next = 0
  return recipients.map((reply) => {
    if (reply.code >= 300) return tooMany(reply, true)
    return lmtp && finals.length > 1 ? finals[next++]! : finals[0]!
  })
}

/** @param withData BDAT waits for the replies (RFC 3030 §2); DATA need not, since it waits for one of its own. */
async function askTogether(
  session: SmtpClientSession,
  lines: readonly string[],
  withData: boolean,
): Promise<{ readonly replies: readonly Reply[]; readonly go?: Reply }> {
  if (!withData) return { replies: await session.commands(lines) }
  const replies = await session.commands([...lines, 'DATA'])
  return { replies: replies.slice(0, -1), go: replies.at(-1) }
}

async function askInTurn(session: SmtpClientSession, lines: readonly string[]): Promise<readonly Reply[]> {
  const replies: Reply[] = []
  for (const line of lines) {
    replies.push(await session.command(line))
    if (replies[0]!.code >= 300) break
  }
  return replies
}

/** @param asked the reply to DATA, where it was said already. */
async function sendData(
  session: SmtpClientSession,
  asked: Reply | undefined,
  bytes: MessageBytes,
  finals: number,
): Promise<Reply[]> {
  const go = asked ?? (await session.command('DATA', clientTimeouts.dataInitiation))
  if (go.code !== 354) throw new SmtpReplyFault('DATA', go)
  if (bytes.sizeBytes <= readSliceBytes) {
    const stuffer = new DotStuffer()
    session.write([stuffer.push(await readWhole(session, bytes)), stuffer.end()])
    return finalReplies(session, finals)
  }
  const waiting = finalReplies(session, finals)
  waiting.catch(() => {})
  await session.stream(async function* () {
    const stuffer = new DotStuffer()
    for await (const piece of piecesOf(bytes, 0, bytes.sizeBytes)) yield stuffer.push(piece)
    yield stuffer.end()
  })
  return waiting
}

/**
 * The replies to the message: one, or in LMTP one for each recipient that was taken. Where the connection breaks between two
 * of them, those that were said stand, and only the others are tried again. RFC 2033 §4.2.
 */
async function finalReplies(session: SmtpClientSession, count: number): Promise<Reply[]> {
  if (count === 1) return session.expectAll(1, clientTimeouts.dataTermination)
  const waiting = Array.from({ length: count }, () => session.expect(clientTimeouts.dataTermination))
  const settled = await Promise.allSettled(waiting)
  const replies = settled.map((one) => {
    if (one.status === 'fulfilled') return one.value
    if (one.reason instanceof SmtpConnectionFault) return brokenOff(one.reason)
    throw one.reason
  })
  // None was said: the connection broke, and the message as a whole can be offered elsewhere.
  if (settled[0]!.status === 'rejected') throw settled[0]!.reason
  return replies
}

/** @returns the replies to the message; one, for all recipients, when a piece was refused before the last. */
async function sendChunks(
  { session, extensions }: Wire,
  bytes: MessageBytes,
  finals: number,
): Promise<readonly Reply[]> {
  const pipelining = extensions.has('PIPELINING')
  const { sizeBytes } = bytes
  if (sizeBytes <= readSliceBytes) {
    session.write([chunkLine(sizeBytes, true), await readWhole(session, bytes)])
    const replies = await finalReplies(session, finals)
    if (isUnknownVerb(replies[0]!)) throw chunkingFault(session, replies[0]!)
    return replies
  }
  let refused: Reply | undefined
  const underWay: Promise<unknown>[] = []
  for (let at = 0; sizeBytes - at > chunkBytes; at += chunkBytes) {
    const reply = sendChunk(session, bytes, at, at + chunkBytes, false, 1)
    underWay.push(
      reply.replies.then(
        ([said]) => (refused ??= said!.code >= 300 ? said : undefined),
        () => {},
      ),
    )
    await reply.sent
    if (!pipelining) await underWay.at(-1)
    if (refused) break
  }
  if (refused && isUnknownVerb(refused)) throw chunkingFault(session, refused)
  if (!refused) {
    const lastAt = sizeBytes === 0 ? 0 : Math.floor((sizeBytes - 1) / chunkBytes) * chunkBytes
    const last = sendChunk(session, bytes, lastAt, sizeBytes, true, finals)
    await last.sent
    await Promise.all(underWay)
    // The piece behind a refused one is out of order, and answered once.
    if (!refused) return last.replies
    if (finals === 1) await last.replies
  } else await Promise.all(underWay)
  // What a refused piece leaves behind is not certain (RFC 3030 §2); in LMTP not even how many replies the last piece has.
  if (finals > 1) session.close()
  else await session.command('RSET')
  return [refused!]
}

/** Offered, and then not known, or not wanted: a proxy before the server often. RFC 5321 §4.2.4. */
function isUnknownVerb({ code }: Reply): boolean {
  return code === 500 || code === 502 || code === 503 || code === 504
}

/** It may take the message for commands: nothing else is said on this connection. */
function chunkingFault(session: SmtpClientSession, reply: Reply): SmtpChunkingFault {
  session.close()
  return new SmtpChunkingFault(reply)
}

function sendChunk(
  session: SmtpClientSession,
  bytes: MessageBytes,
  start: number,
  end: number,
  last: boolean,
  finals: number,
): { readonly sent: Promise<void>; readonly replies: Promise<Reply[]> } {
  const replies = last ? finalReplies(session, finals) : session.expectAll(1, clientTimeouts.dataBlock)
  replies.catch(() => {})
  const sent = session.stream(async function* () {
    yield chunkLine(end - start, last)
    yield* piecesOf(bytes, start, end)
  })
  return { sent, replies }
}

/** A server that waits for a message which cannot be read gets no other instead: the conversation is over. */
async function readWhole(session: SmtpClientSession, bytes: MessageBytes): Promise<Uint8Array> {
  try {
    return await bytes.read(0, bytes.sizeBytes)
  } catch (error) {
    session.close()
    throw error
  }
}

function chunkLine(sizeBytes: number, last: boolean): Uint8Array {
  return bytesOf(`BDAT ${sizeBytes}${last ? ' LAST' : ''}\r\n`)
}

async function* piecesOf(bytes: MessageBytes, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += readSliceBytes) yield await bytes.read(at, Math.min(at + readSliceBytes, end))
}
