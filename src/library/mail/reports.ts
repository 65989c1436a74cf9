/** Reports for other programs: their options are checked. RFC 3464, RFC 8098, RFC 5965. */
import { checkOptions, optionsOf, type OptionTable } from '../../base/option-check.ts'
import type { PartDraft } from '../../mail/compose/part.ts'
import * as room from '../../mail/report/compose-report.ts'
import type { ReportDraft } from '../../mail/report/compose-report.ts'
import type { DeliveryStatus, RecipientStatus } from '../../mail/report/delivery-status.ts'
import type { Disposition, DispositionNotification } from '../../mail/report/disposition.ts'
import type { FeedbackReport } from '../../mail/report/feedback.ts'
import type { ReportDate, TypedValue } from '../../mail/report/fields.ts'

const draftTable: OptionTable<ReportDraft> = {
  text: 'string!',
  original: 'bytes',
  returned: ['header', 'message'],
  utf8: 'boolean',
}
const typed = optionsOf<TypedValue>({ type: 'string!', value: 'string!' })
const date = optionsOf<ReportDate>({ epochMs: 'number!', offsetMinutes: 'number!' })

const recipient: OptionTable<RecipientStatus> = {
  originalRecipient: typed,
  finalRecipient: typed,
  action: ['failed', 'delayed', 'delivered', 'relayed', 'expanded'],
  status: 'string',
  remoteMta: typed,
  diagnosticCode: typed,
  localizedDiagnostics: 'list',
  lastAttemptDate: date,
  finalLogId: 'string',
  willRetryUntil: date,
  extensions: 'list!',
}

const statusTable: OptionTable<DeliveryStatus> = {
  originalEnvelopeId: 'string',
  reportingMta: typed,
  dsnGateway: typed,
  receivedFromMta: typed,
  arrivalDate: date,
  extensions: 'list!',
  recipients(where, value) {
    if (!Array.isArray(value)) throw new TypeError(`${where} must be an array`)
    value.forEach((one, at) => checkOptions(`${where}[${at}]`, one, recipient))
  },
}

const notificationTable: OptionTable<DispositionNotification> = {
  reportingUa: optionsOf<{ name: string; product?: string }>({ name: 'string!', product: 'string' }),
  mdnGateway: typed,
  originalRecipient: typed,
  finalRecipient: typed,
  originalMessageId: 'string',
  disposition: optionsOf<Disposition>({
    actionMode: ['manual-action', 'automatic-action'],
    sendingMode: ['mdn-sent-manually', 'mdn-sent-automatically'],
    type: 'string!',
    modifiers: 'list!',
  }),
  errors: 'list!',
  failures: 'list!',
  warnings: 'list!',
  extensions: 'list!',
}

const feedbackTable: OptionTable<FeedbackReport> = {
  feedbackType: 'string',
  userAgent: 'string',
  version: 'number',
  originalEnvelopeId: 'string',
  originalMailFrom: 'string',
  arrivalDate: date,
  reportingMta: typed,
  sourceIp: 'string',
  sourcePort: 'number',
  incidents: 'number',
  authenticationResults: 'list!',
  originalRcptTo: 'list!',
  reportedDomain: 'list!',
  reportedUri: 'list!',
  authFailure: 'string',
  deliveryResult: 'string',
  dkimDomain: 'string',
  dkimIdentity: 'string',
  dkimSelector: 'string',
  dkimSelectorDns: 'string',
  dkimAdspDns: 'string',
  dkimCanonicalizedHeader: 'bytes',
  dkimCanonicalizedBody: 'bytes',
  spfDns: 'list!',
  identityAlignment: 'string',
  extensions: 'list!',
}

/** A delivery status notification, as `body` of a draft. RFC 3464 §2. Throws a TypeError for an unknown option. */
export function deliveryReport(draft: ReportDraft, status: DeliveryStatus): PartDraft {
  checkOptions('deliveryReport', draft, draftTable)
  checkOptions('deliveryReport: the status', status, statusTable)
  if ((status.recipients as unknown) === undefined)
    throw new TypeError('deliveryReport: the status: recipients is missing: an array')
  return room.deliveryReport(draft, status)
}

/** A message disposition notification, as `body` of a draft. RFC 8098 §3. Throws a TypeError for an unknown option. */
export function dispositionReport(draft: ReportDraft, notification: DispositionNotification): PartDraft {
  checkOptions('dispositionReport', draft, draftTable)
  checkOptions('dispositionReport: the notification', notification, notificationTable)
  return room.dispositionReport(draft, notification)
}

/**
 * A feedback report, as `body` of a draft; `original` is required. RFC 5965 §2 (d).
 * Throws a TypeError for an unknown option, a ComposeFault without `original`.
 */
export function feedbackReport(draft: ReportDraft, feedback: FeedbackReport): PartDraft {
  checkOptions('feedbackReport', draft, draftTable)
  checkOptions('feedbackReport: the report', feedback, feedbackTable)
  return room.feedbackReport(draft, feedback)
}
