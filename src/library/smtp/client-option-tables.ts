/** The options of clients, for `checkOptions`, and the names that they have in Nodemailer. */
import { checkOptions, oneOrMore, optionsOf, type OptionTable, type OtherNames } from '../../base/option-check.ts'
import type { DeliverBy } from '../../mail/envelope.ts'
import { draftOptions, draftOtherNames } from '../mail/draft-options.ts'
import type { SmtpConnectOptions, SmtpPoolOptions, SmtpSignIn } from './client-options.ts'
import type { MailEnvelope, RawMail, SendWishes } from './outgoing-mail.ts'
import type { SmtpProxy } from './proxy.ts'
import type { DkimOptions } from './sign-mail.ts'

const signInTable: OptionTable<SmtpSignIn> = {
  username: 'string!',
  password: 'string',
  token: 'string|function',
}

const signInOtherNames: OtherNames = {
  user: 'write username',
  pass: 'write password',
  accessToken: 'write token',
  type: 'leave it out: token is for OAuth, password for all else',
  method: 'leave it out: the best that the server offers is taken',
}

function signIn(where: string, value: unknown): void {
  checkOptions(where, value, signInTable, signInOtherNames)
  const { password, token } = value as { password?: unknown; token?: unknown }
  if ((password === undefined) === (token === undefined))
    throw new TypeError(`${where} must have username, and either password or token`)
}

const proxy: OptionTable<SmtpProxy> = {
  host: 'string!',
  port: 'number!',
  username: 'string',
  password: 'string',
  resolvesNames: 'boolean',
}

const dkim = oneOrMore(
  optionsOf<DkimOptions>(
    { domain: 'string!', selector: 'string!', privateKey: 'string!' },
    { domainName: 'write domain', keySelector: 'write selector' },
  ),
)

const envelope = optionsOf<MailEnvelope>({ from: 'string!', to: 'string|list!' })

const connectTable: OptionTable<SmtpConnectOptions> = {
  host: 'string!',
  port: 'number',
  tls(where, value) {
    const modes = ['implicit', 'starttls', 'opportunistic', 'none']
    if (modes.includes(value as string)) return
    const words = modes.map((mode) => `"${mode}"`).join(', ')
    throw new TypeError(`${where} must be one of ${words}; ca, serverName and verify are options beside it`)
  },
  ca: 'string|list',
  serverName: 'string',
  verify: 'boolean',
  auth: signIn,
  hostname: 'string',
  lmtp: 'boolean',
  localAddress: 'string',
  proxy: optionsOf(proxy),
  dialogue: 'function',
  connectTimeoutMs: 'number',
}

const connectOtherNames: OtherNames = {
  secure: "write tls: 'implicit' for true; false is the default at other ports than 465",
  requireTLS: 'leave it out: TLS is required by default',
  ignoreTLS: "write tls: 'none'",
  opportunisticTLS: "write tls: 'opportunistic'",
  user: 'write auth: { username, password }',
  username: 'write auth: { username, password }',
  password: 'write auth: { username, password }',
  service: 'write host, and port',
  name: 'write hostname',
  connectionTimeout: 'write connectTimeoutMs',
  logger: 'write dialogue: ({ text }) => console.log(text)',
  debug: 'write dialogue: ({ text }) => console.log(text)',
  pool: 'make a new SmtpPool(options)',
}

const wishesTable: OptionTable<SendWishes> = {
  envelope,
  notify: 'list',
  ret: ['full', 'hdrs'],
  envelopeId: 'string',
  requireTls: 'boolean',
  deliverBy: optionsOf<DeliverBy>({ atMs: 'number!', mode: ['return', 'notify'], trace: 'boolean' }),
  priority: 'number',
}

const poolTable: OptionTable<SmtpPoolOptions> = {
  ...connectTable,
  connectionsMax: 'number',
  messagesMax: 'number',
  rate: optionsOf<NonNullable<SmtpPoolOptions['rate']>>({ messages: 'number!', perMs: 'number!' }),
  idleMs: 'number',
  waitingMax: 'number',
  dkim,
  wishes: optionsOf(wishesTable),
}

const poolOtherNames: OtherNames = {
  ...connectOtherNames,
  maxConnections: 'write connectionsMax',
  maxMessages: 'write messagesMax',
  rateLimit: 'write rate: { messages, perMs }',
  rateDelta: 'write rate: { messages, perMs }',
  pool: 'leave it out: this is one',
}

const rawTable: OptionTable<RawMail> = { raw: 'string|bytes|stream|object!', envelope }

/** Like the other checks here, throws a TypeError of one sentence. */
export function checkConnectOptions(options: unknown): void {
  checkOptions('connectSmtp', options, connectTable, connectOtherNames)
}

export function checkPoolOptions(options: unknown): void {
  checkOptions('SmtpPool', options, poolTable, poolOtherNames)
}

/** @param own whether `dkim` may stand among them. */
export function checkWishes(wishes: unknown, own: boolean): void {
  const table = own ? { ...wishesTable, dkim } : wishesTable
  checkOptions('sendMail', wishes, table, {
    dsn: 'write notify, ret and envelopeId',
    dkim: 'a pool has it in its options',
  })
}

/** What `composeMessage` returned was already checked there. */
export function checkMail(mail: unknown): void {
  const isObject = typeof mail === 'object' && mail !== null
  if (isObject && 'stream' in mail && 'recipients' in mail) return
  if (isObject && 'raw' in mail) checkOptions('sendMail', mail, rawTable)
  else checkOptions('sendMail', mail, draftOptions, draftOtherNames)
}
