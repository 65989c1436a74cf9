/**
 * Rewrites addresses in the header of submitted messages; unchanged fields keep their bytes. RFC 5322 §3.6.2, §3.6.3,
 * §3.6.6.
 */
import { latin1 } from '../../base/bytes.ts'
import { parseDomain } from '../../mail/address.ts'
import { decodeAddressMailbox } from '../../mail/authors.ts'
import { formatAddressList, parseAddressList, type AddressEntry, type AddressMailbox } from '../../mail/address-list.ts'
import { formatField } from '../../mail/header-format.ts'
import type { Header } from '../../mail/header.ts'
import type { Edit } from '../../mail/edit.ts'
import type { Rewriter } from './rewriter.ts'

const sides: Readonly<Record<string, 'sender' | 'recipient'>> = {
  from: 'sender',
  sender: 'sender',
  'reply-to': 'sender',
  to: 'recipient',
  cc: 'recipient',
  bcc: 'recipient',
  'resent-from': 'sender',
  'resent-sender': 'sender',
  'resent-to': 'recipient',
  'resent-cc': 'recipient',
  'resent-bcc': 'recipient',
}

/** In order of position. */
export function headerEdits(header: Header, rewriter: Rewriter): Edit[] {
  if (!rewriter.changesHeaders) return []
  return header.fields.flatMap((field): Edit[] => {
    const side = Object.hasOwn(sides, field.name) ? sides[field.name] : undefined
    if (!side) return []
    let changed = false
    const rewritten = (mailbox: AddressMailbox): AddressMailbox => {
      const before = decodeAddressMailbox(mailbox)
      if (parseDomain(before.domain) === undefined || before.localPart === '') return mailbox
      const after = rewriter.inHeader(before, side)
      if (after.localPart === before.localPart && after.domain === before.domain) return mailbox
      changed = true
      // A source route would bypass the new address.
      return { ...mailbox, route: undefined, localPart: bytes(after.localPart), domain: bytes(after.domain) }
    }
    const entries = parseAddressList(header.value(field)).map((entry): AddressEntry =>
      entry.kind === 'mailbox' ? rewritten(entry) : { ...entry, members: entry.members.map(rewritten) },
    )
    if (!changed) return []
    const raw = header.raw(field)
    const name = raw.slice(0, raw.indexOf(':')).trimEnd()
    return [{ start: field.start, end: field.end, text: formatField(name, formatAddressList(entries)) }]
  })
}

/** Header text has one character a byte; addresses are text. */
function bytes(address: string): string {
  return latin1(Buffer.from(address, 'utf8'))
}
