/** The public API of `pennypost/smtp`: servers and clients on real sockets, and the sessions below them for your own sockets. */
export { silentLog, type Log, type LogFacts } from '../../base/log.ts'
export { SmtpServer } from './server.ts'
export type { Listening } from './server.ts'
export type { SmtpCertificate, SmtpServerSettings } from './server-options.ts'
export type { Later, MessageResult, NoUser, SmtpHandlers } from './handlers.ts'
export { SmtpRefusal } from './refusal.ts'
export { SmtpSession } from './server-session.ts'
export { IncomingMessage, SmtpAbortFault } from './incoming-message.ts'
export type { SmtpEnvelope, SmtpRecipient, SmtpSender } from './envelope.ts'
export { HandlerTimeoutFault } from './calls.ts'
export type { DialogueLine, TellDialogue } from './dialogue.ts'
export { makeScramKeys } from './sign-in.ts'

export { sendMail } from './send-mail.ts'
export type { SendOver } from './send-mail.ts'
export { isTemporary, SmtpRecipientsFault } from './send.ts'
export type { RecipientReply, SendReport } from './send.ts'
export type { MailEnvelope, OutgoingMail, RawMail, SendWishes } from './outgoing-mail.ts'
export { SmtpPool } from './pool.ts'
export { connectSmtp } from './connect.ts'
export type { SmtpConnectOptions, SmtpPoolOptions, SmtpSignIn, SmtpTlsMode } from './client-options.ts'
export type { SmtpProxy } from './proxy.ts'
export type { DkimOptions } from './sign-mail.ts'
export { nodemailerTransport } from './nodemailer.ts'
export type { NodemailerInfo, NodemailerMail, NodemailerTransport } from './nodemailer.ts'

export { SmtpClient } from '../../protocol/smtp/client.ts'
export type { SmtpClientOptions } from '../../protocol/smtp/client.ts'
export { SmtpNeedFault, SmtpReplyFault } from '../../protocol/smtp/client-faults.ts'
export { clientTimeouts, SmtpConnectionFault } from '../../protocol/smtp/client-session.ts'
export type { Need, OutgoingEnvelope, SendResult } from '../../protocol/smtp/outgoing.ts'
export { replyText } from '../../protocol/smtp/wire/reply.ts'
export type { Reply } from '../../protocol/smtp/wire/reply.ts'

export { SmtpServerSession } from '../../protocol/smtp/session.ts'
export type { SmtpServerOptions } from '../../protocol/smtp/options.ts'
export type {
  MailParameters,
  SmtpClientFacts,
  SmtpConnection,
  SmtpReceiver,
  SmtpService,
  SmtpTransaction,
} from '../../protocol/smtp/backend.ts'
export type { Forwarded } from '../../protocol/smtp/forwarded.ts'
export type { SmtpRateLimits } from '../../protocol/smtp/rate-limits.ts'
export { smtpDefaults, type SmtpPolicy } from '../../protocol/smtp/policy.ts'
export type { SmtpPromise } from '../../protocol/smtp/promises.ts'
export { passwordMechanisms } from '../../protocol/sasl/mechanisms.ts'
