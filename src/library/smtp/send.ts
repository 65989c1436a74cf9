/** Sends one message over one connection, and reports the outcome. */
import { inSevenBits } from '../../transport/smtp/convert.ts'
import type { DkimSigningKey } from '../../trust/dkim/sign.ts'
import { SmtpNeedFault, type SmtpClient } from '../../protocol/smtp/client.ts'
import { SmtpReplyFault } from '../../protocol/smtp/client-faults.ts'
import { SmtpConnectionFault } from '../../protocol/smtp/client-session.ts'
import { replyText, type Reply } from '../../protocol/smtp/wire/reply.ts'
import type { PreparedMail } from './outgoing-mail.ts'
import { signMail } from './sign-mail.ts'

/** The server's reply for one recipient: to RCPT, or to the message. */
export interface RecipientReply {
  readonly address: string
  readonly reply: Reply
}

export interface SendReport {
  /** Without angle brackets; undefined: the message has none. */
  readonly messageId: string | undefined
  /** The envelope's sender; '' is the null reverse-path. */
  readonly sender: string
  /** Recipients that the server is now responsible for. */
  readonly accepted: readonly RecipientReply[]
  /** Refused recipients. A code below 500 is temporary: sending again later may help. */
  readonly rejected: readonly RecipientReply[]
  /** Size as sent, signatures included. */
  readonly sizeBytes: number
}

/** All recipients were rejected; the message was not sent. */
export class SmtpRecipientsFault extends Error {
  readonly report: SendReport
  constructor(report: SendReport) {
    super(`no recipient was accepted: ${report.rejected.map(({ reply }) => replyText(reply)).join('; ')}`)
    this.name = 'SmtpRecipientsFault'
    this.report = report
  }
}

/** Whether sending again later may help: no connection, or a 4xx. RFC 5321 §4.5.4.1. */
export function isTemporary(fault: unknown): boolean {
  if (fault instanceof SmtpReplyFault) return fault.reply.code < 500
  if (fault instanceof SmtpRecipientsFault) return fault.report.rejected.some(({ reply }) => reply.code < 500)
  return fault instanceof SmtpConnectionFault
}

/**
 * Sends prepared mail: converted to 7 bits if the server has no 8BITMIME, and signed after that.
 * Rejects with SmtpNeedFault, SmtpReplyFault, SmtpConnectionFault, SmtpRecipientsFault.
 * @internal
 */
export async function sendPrepared(
  client: SmtpClient,
  prepared: PreparedMail,
  keys: readonly DkimSigningKey[],
): Promise<SendReport> {
  const fitting = await fit(client, prepared)
  const { envelope } = fitting
  const bytes = keys.length > 0 ? await signMail(fitting.bytes, keys) : fitting.bytes
  const { recipients } = await client.send(envelope, bytes)
  const replies = recipients.map((reply, at) => ({ address: envelope.recipients[at]!, reply }))
  const report: SendReport = {
    messageId: prepared.messageId,
    sender: envelope.reversePath,
    accepted: replies.filter(({ reply }) => reply.code < 300),
    rejected: replies.filter(({ reply }) => reply.code >= 300),
    sizeBytes: bytes.sizeBytes,
  }
  if (report.accepted.length === 0) throw new SmtpRecipientsFault(report)
  return report
}

async function fit(
  client: SmtpClient,
  { envelope, bytes }: PreparedMail,
): Promise<Pick<PreparedMail, 'envelope' | 'bytes'>> {
  const need = client.lacks(envelope)
  if (!need) return { envelope, bytes }
  const converted = need === 'needs8bit' ? await inSevenBits(envelope, bytes) : undefined
  if (!converted) throw new SmtpNeedFault(need)
  const other = client.lacks(converted.envelope)
  if (other) throw new SmtpNeedFault(other)
  return converted
}
