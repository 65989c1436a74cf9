/** Message disposition notifications (MDN): what the recipient did with a message. RFC 8098, with UTF-8 by RFC 6533 §5. */
import { bare, FieldWriter, parseGroups, parseTyped, parseTypedAddress } from './fields.ts'
import type { ReportField, TypedValue } from './fields.ts'

/** RFC 8098 §3.2.6. All in lower case; undefined: not given. */
export interface Disposition {
  readonly actionMode?: 'manual-action' | 'automatic-action'
  readonly sendingMode?: 'mdn-sent-manually' | 'mdn-sent-automatically'
  /** `displayed`, `deleted`, `dispatched`, `processed`; older ones are `denied` and `failed`. */
  readonly type: string
  /** `error` and others. */
  readonly modifiers: readonly string[]
}

/** A message/disposition-notification or message/global-disposition-notification part. RFC 8098 §3.1. */
export interface DispositionNotification {
  /** The mail program that sends the notification. */
  readonly reportingUa?: { readonly name: string; readonly product?: string }
  readonly mdnGateway?: TypedValue
  readonly originalRecipient?: TypedValue
  /** Required by RFC 8098 §3.2.4, but may be missing in what is read. */
  readonly finalRecipient?: TypedValue
  /** Without brackets. */
  readonly originalMessageId?: string
  /** Required by RFC 8098 §3.2.6, but may be missing in what is read. */
  readonly disposition?: Disposition
  /** Error texts; also the Failure and Warning fields of RFC 3798. */
  readonly errors: readonly string[]
  readonly failures: readonly string[]
  readonly warnings: readonly string[]
  /** Unknown fields, and fields whose value could not be read. */
  readonly extensions: readonly ReportField[]
}

/** Reads the decoded body of a part, leniently: never throws, ignores blank lines, takes the first field of each name. */
export function parseDispositionNotification(bytes: Uint8Array): DispositionNotification {
  const found: { -readonly [key in keyof DispositionNotification]?: DispositionNotification[key] } = {}
  const errors: string[] = []
  const failures: string[] = []
  const warnings: string[] = []
  const extensions: ReportField[] = []
  for (const field of parseGroups(bytes).flat()) {
    const { value } = field
    switch (field.name.toLowerCase()) {
      case 'reporting-ua':
        found.reportingUa ??= parseUa(value)
        break
      case 'mdn-gateway':
        found.mdnGateway ??= parseTyped(value)
        break
      case 'original-recipient':
        found.originalRecipient ??= parseTypedAddress(value)
        break
      case 'final-recipient':
        found.finalRecipient ??= parseTypedAddress(value)
        break
      case 'original-message-id':
        found.originalMessageId ??= bare(value).replace(/^<(.*)>$/s, '$1')
        break
      case 'disposition': {
        const disposition = parseDisposition(value)
        if (disposition === undefined) extensions.push(field)
        else found.disposition ??= disposition
        break
      }
      case 'error':
        errors.push(value)
        break
      case 'failure':
        failures.push(value)
        break
      case 'warning':
        warnings.push(value)
        break
      default:
        extensions.push(field)
    }
  }
  return { ...found, errors, failures, warnings, extensions }
}

function parseUa(value: string): { name: string; product?: string } {
  const semicolon = value.indexOf(';')
  if (semicolon < 0) return { name: value }
  const product = value.slice(semicolon + 1).trim()
  const name = value.slice(0, semicolon).trim()
  return product === '' ? { name } : { name, product }
}

/** `manual-action/MDN-sent-manually; displayed/error`. The modes may be missing. */
function parseDisposition(value: string): Disposition | undefined {
  const text = bare(value).toLowerCase()
  const semicolon = text.indexOf(';')
  const [action, sending] = semicolon < 0 ? [] : words(text.slice(0, semicolon), '/')
  const slash = text.indexOf('/', semicolon + 1)
  const type = text.slice(semicolon + 1, slash < 0 ? text.length : slash).trim()
  if (!/^[a-z][a-z0-9-]*$/.test(type)) return undefined
  return {
    ...(action === 'manual-action' || action === 'automatic-action' ? { actionMode: action } : {}),
    ...(sending === 'mdn-sent-manually' || sending === 'mdn-sent-automatically' ? { sendingMode: sending } : {}),
    type,
    modifiers: slash < 0 ? [] : words(text.slice(slash + 1), ','),
  }
}

function words(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

/**
 * The body of a part, CRLF lines; `parseDispositionNotification` reads it back as the same value. `utf8` as in `formatDeliveryStatus`.
 * Throws a `ComposeFault` for a value without a type, or an invalid field name.
 */
export function formatDispositionNotification(notification: DispositionNotification, utf8 = false): string {
  const out = new FieldWriter()
  const { reportingUa, disposition, originalMessageId } = notification
  if (reportingUa !== undefined) {
    const { name, product } = reportingUa
    out.add('Reporting-UA', product === undefined ? name : `${name}; ${product}`)
  }
  out.typed('MDN-Gateway', notification.mdnGateway)
  out.address('Original-Recipient', notification.originalRecipient, utf8)
  out.address('Final-Recipient', notification.finalRecipient, utf8)
  if (originalMessageId !== undefined) out.add('Original-Message-ID', `<${originalMessageId}>`)
  if (disposition !== undefined) {
    const { actionMode, sendingMode, type, modifiers } = disposition
    // Both modes are required (RFC 8098 §3.2.6). The default is a notification that the user sent by hand.
    const modes = `${actionMode ?? 'manual-action'}/${(sendingMode ?? 'mdn-sent-manually').replace('mdn', 'MDN')}`
    out.add('Disposition', `${modes}; ${type}${modifiers.length === 0 ? '' : `/${modifiers.join(',')}`}`)
  }
  for (const error of notification.errors) out.add('Error', error)
  for (const failure of notification.failures) out.add('Failure', failure)
  for (const warning of notification.warnings) out.add('Warning', warning)
  out.all(notification.extensions)
  return utf8 ? out.text : out.text.replace(/[^\x00-\x7f]/gu, '?')
}
