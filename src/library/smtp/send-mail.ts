/** Sends one message with one call. */
import { SmtpClient } from '../../protocol/smtp/client.ts'
import { checkMail, checkWishes } from './client-option-tables.ts'
import type { SmtpConnectOptions } from './client-options.ts'
import { connectSmtp } from './connect.ts'
import { prepareMail, type OutgoingMail, type SendWishes } from './outgoing-mail.ts'
import { SmtpPool } from './pool.ts'
import { sendPrepared, type SendReport } from './send.ts'
import { signingKeysOf, type DkimOptions } from './sign-mail.ts'

/** An open connection, a pool, or the options of a connection for this message alone. */
export type SendOver = SmtpClient | SmtpPool | SmtpConnectOptions

/**
 * Sends a message: a draft, what `composeMessage` returned, or a finished message with its envelope.
 *
 * Resolves when the server has accepted it for at least one recipient; the others are in `rejected`.
 * Rejects with TypeError (an option), ComposeFault (before any connection), SmtpConnectionFault, SmtpReplyFault, SmtpNeedFault,
 * SmtpRecipientsFault.
 */
export async function sendMail(
  over: SendOver,
  mail: OutgoingMail,
  options: SendWishes & { readonly dkim?: DkimOptions | readonly DkimOptions[] } = {},
): Promise<SendReport> {
  checkMail(mail)
  checkWishes(options, true)
  const { dkim, ...wishes } = options
  if (over instanceof SmtpPool) {
    if (dkim) throw new TypeError('a pool signs with its own `dkim`')
    return over.send(mail, wishes)
  }
  const keys = dkim ? signingKeysOf(dkim) : []
  const prepared = await prepareMail(mail, wishes)
  if (over instanceof SmtpClient) return sendPrepared(over, prepared, keys)
  const client = await connectSmtp(over)
  try {
    return await sendPrepared(client, prepared, keys)
  } finally {
    await client.quit()
  }
}
