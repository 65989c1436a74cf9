/** A transport for Nodemailer: keeps its composer and plugins, replaces the sending. https://nodemailer.com/plugins/create/ */
import type { RecipientDsn } from '../../mail/envelope.ts'
import { SmtpReplyFault } from '../../protocol/smtp/client-faults.ts'
import { SmtpConnectionFault } from '../../protocol/smtp/client-session.ts'
import { replyText } from '../../protocol/smtp/wire/reply.ts'
import type { SmtpPoolOptions } from './client-options.ts'
import type { SendWishes } from './outgoing-mail.ts'
import { SmtpPool } from './pool.ts'
import { SmtpRecipientsFault, type RecipientReply, type SendReport } from './send.ts'

/** The part of a Nodemailer message that the transport uses. */
export interface NodemailerMail {
  readonly data: { readonly dsn?: unknown; readonly requireTLSExtensionEnabled?: boolean }
  readonly message: {
    getEnvelope(): { readonly from?: string | false; readonly to?: readonly string[] | string }
    messageId(): string
    createReadStream(): AsyncIterable<Uint8Array>
  }
}

/** What `sendMail` of Nodemailer resolves to: as its own SMTP transport has it. */
export interface NodemailerInfo {
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  /** With angle brackets. */
  readonly messageId: string
  readonly accepted: readonly string[]
  readonly rejected: readonly string[]
  readonly rejectedErrors?: readonly Error[]
  /** The server's final reply. */
  readonly response: string
  readonly messageSize: number
}

type Callback<T> = (error: Error | null, value?: T) => void

export interface NodemailerTransport {
  readonly name: string
  readonly version: string
  send(mail: NodemailerMail, callback: (error: Error | null, info: NodemailerInfo) => void): void
  verify(callback?: Callback<true>): Promise<true> | undefined
  isIdle(): boolean
  close(): void
}

/**
 * For `nodemailer.createTransport(nodemailerTransport(options))`. Connections are kept open: call `transporter.close()` at the end.
 *
 * Errors have Nodemailer's `code` (ECONNECTION, EAUTH, EENVELOPE, EMESSAGE, EPROTOCOL; EENVELOPE also for a message that is refused after
 * its last byte) and, where the server refused, `responseCode` and `response`.
 * @param options those of `SmtpPool`. `dkim` may be given here or to Nodemailer.
 */
export function nodemailerTransport(options: SmtpPoolOptions): NodemailerTransport {
  const pool = new SmtpPool(options)
  return {
    name: 'pennypost',
    version: '1',
    send(mail, callback) {
      sendThrough(pool, mail).then(
        (info) => callback(null, info),
        (error: unknown) => callback(faultOf(error as Error), undefined as never),
      )
    },
    verify(callback) {
      const verified = pool.verify().then(
        () => true as const,
        (error: unknown) => Promise.reject(faultOf(error as Error)),
      )
      if (!callback) return verified
      verified.then(
        () => callback(null, true),
        (error: unknown) => callback(error as Error),
      )
      return undefined
    },
    isIdle: () => pool.waiting === 0,
    close() {
      void pool.close()
    },
  }
}

async function sendThrough(pool: SmtpPool, { data, message }: NodemailerMail): Promise<NodemailerInfo> {
  const { from, to = [] } = message.getEnvelope()
  const envelope = { from: from || '', to: typeof to === 'string' ? [to] : to }
  // Before the bytes are read: an id that Nodemailer makes here is then part of them.
  const messageId = message.messageId()
  const wishes: SendWishes = {
    ...wishesOf(data.dsn),
    ...(data.requireTLSExtensionEnabled ? { requireTls: true } : {}),
  }
  const report = await pool.send({ raw: message.createReadStream(), envelope }, wishes)
  return { ...outcomeOf(report), envelope, messageId }
}

function outcomeOf({ accepted, rejected, sizeBytes }: SendReport): Omit<NodemailerInfo, 'envelope' | 'messageId'> {
  const last = [...accepted, ...rejected][0]
  return {
    accepted: accepted.map(({ address }) => address),
    rejected: rejected.map(({ address }) => address),
    ...(rejected.length > 0 ? { rejectedErrors: rejected.map(rejectedError) } : {}),
    response: last ? replyText(last.reply) : '',
    messageSize: sizeBytes,
  }
}

function rejectedError({ address, reply }: RecipientReply): Error {
  const response = replyText(reply)
  return Object.assign(new Error(`Recipient ${address} was rejected: ${response}`), {
    code: 'EENVELOPE',
    recipient: address,
    responseCode: reply.code,
    response,
  })
}

const notifyWords = new Set(['never', 'success', 'failure', 'delay'])

/** Nodemailer's `dsn`: `{ id, return: 'headers' | 'full', notify: 'success' | […] }`. */
function wishesOf(dsn: unknown): SendWishes {
  if (typeof dsn !== 'object' || dsn === null) return {}
  const { id, envid, return: returned, ret, notify } = dsn as Record<string, unknown>
  const words = [notify].flat().map((word) => String(word).toLowerCase())
  const full = String(returned ?? ret ?? '').toLowerCase()
  const envelopeId = id ?? envid
  return {
    ...(typeof envelopeId === 'string' ? { envelopeId } : {}),
    ...(full === '' ? {} : { ret: full === 'full' ? ('full' as const) : ('hdrs' as const) }),
    ...(notify === undefined
      ? {}
      : { notify: words.filter((word) => notifyWords.has(word)) as NonNullable<RecipientDsn['notify']> }),
  }
}

const stageCodes: Readonly<Record<string, string>> = { AUTH: 'EAUTH', MAIL: 'EENVELOPE', DATA: 'EMESSAGE' }

function faultOf(error: Error): Error {
  if (error instanceof SmtpRecipientsFault) {
    const { accepted, rejected, rejectedErrors, response } = outcomeOf(error.report)
    const responseCode = error.report.rejected[0]?.reply.code
    return Object.assign(error, { code: 'EENVELOPE', responseCode, response, accepted, rejected, rejectedErrors })
  }
  if (error instanceof SmtpReplyFault) {
    const { stage, reply } = error
    const code = stageCodes[stage] ?? 'EPROTOCOL'
    return Object.assign(error, { code, command: stage, responseCode: reply.code, response: replyText(reply) })
  }
  if (error instanceof SmtpConnectionFault) return Object.assign(error, { code: 'ECONNECTION' })
  return error
}
