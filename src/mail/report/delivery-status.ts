/** Delivery status: what became of a message, for each of its recipients. RFC 3464, with UTF-8 by RFC 6533 §4. */
import { bare, FieldWriter, parseGroups, parseReportDate, parseTyped, parseTypedAddress } from './fields.ts'
import type { ReportDate, ReportField, TypedValue } from './fields.ts'

/** RFC 3464 §2.3.3. */
export type DeliveryAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'

/** What happened to one recipient. RFC 3464 §2.3. */
export interface RecipientStatus {
  /** The address that the sender gave (ORCPT). */
  readonly originalRecipient?: TypedValue
  /** The address that this is about. Required by RFC 3464 §2.3.2, but may be missing in what is read. */
  readonly finalRecipient?: TypedValue
  readonly action?: DeliveryAction
  /** The enhanced code: `5.1.1`. RFC 3463. */
  readonly status?: string
  /** The host that sent the diagnostic code. */
  readonly remoteMta?: TypedValue
  /** The diagnostic code: `{ type: 'smtp', value: '550 5.1.1 No such user' }`. */
  readonly diagnosticCode?: TypedValue
  /** The same in other languages. RFC 6533 §4.1. */
  readonly localizedDiagnostics?: readonly { readonly language: string; readonly text: string }[]
  readonly lastAttemptDate?: ReportDate
  readonly finalLogId?: string
  /** For `delayed`: until when delivery is retried. */
  readonly willRetryUntil?: ReportDate
  /** Fields that are unknown, or whose value could not be read. */
  readonly extensions: readonly ReportField[]
}

/** A message/delivery-status or message/global-delivery-status part. RFC 3464 §2.1. */
export interface DeliveryStatus {
  /** The sender's ENVID. */
  readonly originalEnvelopeId?: string
  /** The host that reports. Required by RFC 3464 §2.2.2, but may be missing in what is read. */
  readonly reportingMta?: TypedValue
  readonly dsnGateway?: TypedValue
  /** Where the message came from. */
  readonly receivedFromMta?: TypedValue
  readonly arrivalDate?: ReportDate
  /** Fields that are unknown, or whose value could not be read. */
  readonly extensions: readonly ReportField[]
  readonly recipients: readonly RecipientStatus[]
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] }
type AboutMessage = Mutable<Omit<DeliveryStatus, 'extensions' | 'recipients'>>
type AboutRecipient = Mutable<Omit<RecipientStatus, 'extensions' | 'localizedDiagnostics'>> & {
  localizedDiagnostics?: { language: string; text: string }[]
}

const actions: ReadonlySet<string> = new Set(['failed', 'delayed', 'delivered', 'relayed', 'expanded'])

/** How a field is read; false where its value makes no sense. The first of a name counts. */
const messageFields: Readonly<Record<string, (value: string, into: AboutMessage) => unknown>> = {
  'original-envelope-id': (value, into) => (into.originalEnvelopeId ??= value),
  'reporting-mta': (value, into) => (into.reportingMta ??= parseTyped(value)),
  'dsn-gateway': (value, into) => (into.dsnGateway ??= parseTyped(value)),
  'received-from-mta': (value, into) => (into.receivedFromMta ??= parseTyped(value)),
  'arrival-date': (value, into) => (into.arrivalDate ??= parseReportDate(value)) !== undefined,
}

const recipientFields: Readonly<Record<string, (value: string, into: AboutRecipient) => unknown>> = {
  'original-recipient': (value, into) => (into.originalRecipient ??= parseTypedAddress(value)),
  'final-recipient': (value, into) => (into.finalRecipient ??= parseTypedAddress(value)),
  action(value, into) {
    const action = bare(value).toLowerCase()
    if (actions.has(action)) into.action ??= action as DeliveryAction
    return actions.has(action)
  },
  status(value, into) {
    // Some write `5.1.1 (bad mailbox)`, `550 5.1.1` or add words.
    const code = /(?<!\d)[245]\.\d{1,3}\.\d{1,3}(?!\d)/.exec(value)?.[0]
    if (code !== undefined) into.status ??= code
    return code !== undefined
  },
  'remote-mta': (value, into) => (into.remoteMta ??= parseTyped(value)),
  'diagnostic-code': (value, into) => (into.diagnosticCode ??= parseTyped(value)),
  'localized-diagnostic'(value, into) {
    const found = /^([A-Za-z0-9-]+)\s*;\s*(.*)$/s.exec(value)
    if (found !== null) (into.localizedDiagnostics ??= []).push({ language: found[1]!, text: found[2]! })
    return found !== null
  },
  'last-attempt-date': (value, into) => (into.lastAttemptDate ??= parseReportDate(value)) !== undefined,
  'final-log-id': (value, into) => (into.finalLogId ??= value),
  'will-retry-until': (value, into) => (into.willRetryUntil ??= parseReportDate(value)) !== undefined,
}

/**
 * Reads the decoded body of a message/delivery-status part, leniently: fields of the message and of recipients may share a group, blank
 * lines may be missing or too many, values may have comments. Never throws; what cannot be read is in `extensions`.
 * At most `reportBytesMax` bytes and `reportGroupsMax` groups are read.
 */
export function parseDeliveryStatus(bytes: Uint8Array): DeliveryStatus {
  const message: AboutMessage = {}
  const extensions: ReportField[] = []
  const recipients: (AboutRecipient & { extensions: ReportField[] })[] = []
  for (const [index, group] of parseGroups(bytes).entries()) {
    let recipient: (AboutRecipient & { extensions: ReportField[] }) | undefined
    const tellsRecipient = index > 0 && group.some(isRecipientField)
    for (const field of group) {
      const name = field.name.toLowerCase()
      if (Object.hasOwn(messageFields, name)) {
        if (messageFields[name]!(field.value, message) === false) extensions.push(field)
      } else if (Object.hasOwn(recipientFields, name)) {
        // A second address without a blank line before it begins a second recipient.
        const again = name === 'final-recipient' && recipient?.finalRecipient !== undefined
        if (recipient === undefined || again) recipients.push((recipient = { extensions: [] }))
        if (recipientFields[name]!(field.value, recipient) === false) recipient.extensions.push(field)
      } else {
        // Behind the first group an unknown field is about a recipient, whatever stands before its address.
        if (recipient === undefined && tellsRecipient) recipients.push((recipient = { extensions: [] }))
        ;(recipient?.extensions ?? recipients.at(-1)?.extensions ?? extensions).push(field)
      }
    }
  }
  return { ...message, extensions, recipients }
}

function isRecipientField(field: ReportField): boolean {
  return Object.hasOwn(recipientFields, field.name.toLowerCase())
}

/**
 * The body of a part, CRLF lines; `parseDeliveryStatus` reads it back as the same value.
 * @param utf8 for message/global-delivery-status: characters beyond ASCII are kept; else they are escaped in addresses, and become
 * question marks elsewhere. RFC 6533 §3.
 * Throws a `ComposeFault` for a value without a type, or an invalid field name.
 */
export function formatDeliveryStatus(status: DeliveryStatus, utf8 = false): string {
  const out = new FieldWriter()
  out.add('Original-Envelope-Id', status.originalEnvelopeId)
  out.typed('Reporting-MTA', status.reportingMta)
  out.typed('DSN-Gateway', status.dsnGateway)
  out.typed('Received-From-MTA', status.receivedFromMta)
  out.date('Arrival-Date', status.arrivalDate)
  out.all(status.extensions)
  for (const recipient of status.recipients) {
    out.text += '\r\n'
    out.address('Original-Recipient', recipient.originalRecipient, utf8)
    out.address('Final-Recipient', recipient.finalRecipient, utf8)
    out.add('Action', recipient.action)
    out.add('Status', recipient.status)
    out.typed('Remote-MTA', recipient.remoteMta)
    out.typed('Diagnostic-Code', recipient.diagnosticCode)
    for (const { language, text } of recipient.localizedDiagnostics ?? [])
      out.add('Localized-Diagnostic', `${language}; ${text}`)
    out.date('Last-Attempt-Date', recipient.lastAttemptDate)
    out.add('Final-Log-ID', recipient.finalLogId)
    out.date('Will-Retry-Until', recipient.willRetryUntil)
    out.all(recipient.extensions)
  }
  return utf8 ? out.text : out.text.replace(/[^\x00-\x7f]/gu, '?')
}
