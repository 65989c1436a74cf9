/** The options of `SmtpServer`, for `checkOptions`, and the names that they have in smtp-server. */
import {
  checkOptions,
  checkValue,
  oneOrMore,
  optionsOf,
  type OptionTable,
  type OtherNames,
} from '../../base/option-check.ts'
import type { SmtpCertificate, SmtpServerSettings } from './server-options.ts'

const certificates = oneOrMore(
  optionsOf<SmtpCertificate>(
    { cert: 'string|bytes!', key: 'string|bytes!' },
    { ca: 'put the chain behind the certificate in cert; of clients, write clientAuthority' },
  ),
)

const policy: OptionTable<NonNullable<SmtpServerSettings<unknown>['policy']>> = {
  recipientsMax: 'number',
  messagesMax: 'number',
  errorsMax: 'number',
  tarpitAfterErrors: 'number',
  tarpitDelayMs: 'number',
  greetPauseMs: 'number',
  futureReleaseMaxMs: 'number',
  deliverByMinMs: 'number',
  noSoliciting: 'list',
  addressQueries: ['none', 'trusted', 'users', 'nobody'],
}

const table: OptionTable<SmtpServerSettings<unknown>> = {
  hostname: 'string',
  service: ['smtp', 'submission', 'submissions', 'lmtp'],
  tls(where, value) {
    if (value === 'self-signed') return
    if (typeof value === 'object' && value !== null) return certificates(where, value)
    throw new TypeError(`${where} must be "self-signed", or { cert, key } or an array of them`)
  },
  clientAuthority: 'string',
  implicitTls: 'boolean',
  authRequired: 'boolean',
  plaintextAuth: 'boolean',
  offers: 'list',
  messageBytesMax: 'number',
  bareNewline: ['refuse', 'normalize'],
  policy: optionsOf(policy),
  xclientFrom: 'list',
  proxyFrom: 'list',
  connectionsMax: 'number',
  connectionsPerAddressMax: 'number',
  log: 'object',
  dialogue: 'function',
  handlerTimeoutMs: 'number',
  onPassword: 'function',
  onToken: 'function',
  findScramKeys: 'function',
  onCertificate: 'function',
  onConnect: 'function',
  onSecure: 'function',
  onMail: 'function',
  onRcpt: 'function',
  onMessage: 'function!',
  onReset: 'function',
  onClose: 'function',
  onError: 'function',
}

const ownCertificate = 'write tls: { cert, key }'

const otherNames: OtherNames = {
  onAuth: 'write onPassword, onToken, findScramKeys or onCertificate',
  onMailFrom: 'write onMail',
  onRcptTo: 'write onRcpt',
  onData: 'write onMessage',
  secure: 'write implicitTls',
  key: ownCertificate,
  cert: ownCertificate,
  ca: 'write clientAuthority',
  sniOptions: 'write tls: [{ cert, key }, …]',
  requestCert: 'write clientAuthority',
  size: 'write messageBytesMax',
  maxClients: 'write connectionsMax',
  closeTimeout: 'write close({ graceMs })',
  lmtp: "write service: 'lmtp'",
  authOptional: 'write authRequired: false',
  allowInsecureAuth: 'write plaintextAuth: true',
  authMethods: 'leave it out: what has a handler is offered',
  useXClient: "write xclientFrom: ['192.0.2.1/32', …]",
  useXForward: "write xclientFrom: ['192.0.2.1/32', …]",
  useProxy: "write proxyFrom: ['192.0.2.1/32', …]",
  logger: 'write dialogue: ({ text }) => console.log(text)',
  name: 'write hostname',
  banner: 'leave it out: the greeting has hostname',
  port: 'write it as listen(port, address)',
  host: 'write it as listen(port, address)',
}

/** Throws a TypeError of one sentence. */
export function checkServerSettings(settings: unknown): void {
  checkOptions('SmtpServer', settings, table, otherNames)
}

export function checkListen(port: unknown, address: unknown): void {
  checkValue('SmtpServer.listen: port', port, 'number!')
  checkValue('SmtpServer.listen: address', address, 'string')
}

export function checkClose(options: unknown): void {
  checkOptions<{ graceMs?: number }>('SmtpServer.close', options, { graceMs: 'number' })
}
