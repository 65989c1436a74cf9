/** Why a message must not be answered automatically. RFC 5230 §4.5, §4.6; RFC 3834 §2. Pure: of the message and its envelope alone. */
import { mailboxesOf, parseAddressList } from '../mail/address-list.ts'
import { formatMailbox, parseMailbox, type Mailbox } from '../mail/address.ts'
import { dropComments } from '../mail/date.ts'
import type { Header } from '../mail/header.ts'
import type { SieveEnvelope } from './run.ts'

/** RFC 5230 §4.6, RFC 2369, RFC 2919. */
const listFields = [
  'list-id',
  'list-help',
  'list-subscribe',
  'list-unsubscribe',
  'list-post',
  'list-owner',
  'list-archive',
] as const

/** RFC 5230 §4.5. */
const recipientFields = ['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc'] as const

/** Senders that are programs. RFC 5230 §4.6; RFC 3834 §2. People read postmaster. */
const programs =
  /^(?:mailer-daemon|mail-daemon|listserv|majordomo|listmaster|mailman|no-?reply|do-?not-?reply|bounces?)$|^(?:owner|bounces?)-|-(?:request|owner|bounces?|outgoing|relay)$|[+=]bounces?$/i

/** @param own addresses of the recipient, besides the envelope's: those of the account, and the script's `:addresses`. */
export function vacationRefusal(header: Header, envelope: SieveEnvelope, own: readonly string[]): string | undefined {
  const { from, to } = envelope
  if (from === undefined) return 'the envelope sender is not known'
  if (from === null) return 'it is a bounce or a report: its envelope sender is empty'
  if (programs.test(from.localPart)) return `its envelope sender is a program: ${formatMailbox(from)}`
  const automatic = automaticProblem(header)
  if (automatic !== undefined) return automatic
  const mine = new Set(
    [...own.flatMap((text) => parseMailbox(text.trim()) ?? []), ...(to === undefined ? [] : [to])].map(key),
  )
  // A message to oneself would be answered to oneself.
  if (mine.has(key(from))) return 'its envelope sender is the recipient'
  const isNamed = recipientFields.some((name) =>
    header
      .all(name)
      .some((field) => mailboxesOf(parseAddressList(header.value(field))).some((mailbox) => mine.has(key(mailbox)))),
  )
  return isNamed ? undefined : 'the recipient is not named in To, Cc or Bcc: it may be from a mailing list'
}

function automaticProblem(header: Header): string | undefined {
  const list = listFields.find((name) => header.has(name))
  if (list !== undefined) return `it is from a mailing list: it has the field ${list}`
  // RFC 3834 §5: the keyword, then parameters.
  for (const field of header.all('auto-submitted')) {
    const keyword = dropComments(header.value(field)).split(';', 1)[0]!.trim().toLowerCase()
    if (keyword !== 'no') return `it was made automatically: Auto-Submitted is ${keyword}`
  }
  // No RFC has it, but lists and bulk mailers have written it for decades. RFC 3834 §2 suggests to heed it.
  const precedence = header.valueOf('precedence')?.trim().toLowerCase()
  if (precedence !== undefined && /^(?:bulk|list|junk)$/.test(precedence))
    return `it is bulk mail: Precedence is ${precedence}`
  const suppress = header.valueOf('x-auto-response-suppress')?.toLowerCase()
  if (suppress !== undefined && /\b(?:all|oof)\b/.test(suppress)) return 'its sender wishes for no automatic answers'
  return undefined
}

/** Local parts are compared in any case: an answer that is missing is better than a loop. */
function key({ localPart, domain }: Mailbox): string {
  return `${localPart}@${domain}`.toLowerCase()
}
