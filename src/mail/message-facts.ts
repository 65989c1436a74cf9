/** Facts about a message for checks and filing, gathered once after the structure pass. */
import { addressesMax, parseAddressList } from './address-list.ts'
import type { AddressEntry } from './address-list.ts'
import { authorsOf } from './authors.ts'
import type { Authors } from './authors.ts'
import { baseSubject } from './base-subject.ts'
import type { BaseSubject } from './base-subject.ts'
import { parseDate } from './date.ts'
import type { MessageDate } from './date.ts'
import type { Header, HeaderField } from './header.ts'
import { formatBodyBasic, formatBodyStructure } from './imap/body-structure.ts'
import { addressesOf, formatEnvelopeFrom } from './imap/envelope.ts'
import { messageIdKeys } from './message-ids.ts'
import type { MessageIdKeys } from './message-ids.ts'
import type { Part } from './mime/part.ts'

/** A field: its place and its value. */
export interface FieldText {
  readonly start: number
  readonly end: number
  readonly value: string
}

/** Facts from the header, for checks and routing. */
export interface HeaderFacts {
  /** The Date field. */
  readonly sent?: MessageDate
  readonly messageIdKeys: MessageIdKeys
  /** Number of Received fields, that is, of hops so far. RFC 5321 §6.3. */
  readonly hopCount: number
  readonly hasDate: boolean
  readonly hasMessageId: boolean
  /** `TLS-Required: No`: delivery takes precedence over TLS. RFC 8689 §3. */
  readonly tlsOptional: boolean
  /** From all From fields, since DMARC and other checks must know each author. */
  readonly authors: Authors
  /** From Sender, Resent-From and Resent-Sender, if present. */
  readonly senders: readonly Authors[]
  /** As in ENVELOPE: with groups and display names, still encoded. */
  readonly from: readonly AddressEntry[]
  /** The header has more bytes, fields or addresses than are read: these facts are incomplete. */
  readonly beyondLimits: boolean
  /** Authentication-Results fields: those that claim to be ours are forged. RFC 8601 §5. */
  readonly results: readonly FieldText[]
  /** Bcc, Resent-Bcc and Return-Path: taken out of submissions, since recipients must not see them. RFC 5322 §3.6.3, RFC 5321 §4.4. */
  readonly blind: readonly FieldText[]
  /** Delivered-To fields, lower case: addresses that it was delivered to before. */
  readonly deliveredTo: readonly string[]
  /** The header has bytes beyond ASCII. RFC 6531 §3.2. */
  readonly isEightBit: boolean
}

/** The same, and what a mailbox stores of the message. */
export interface MessageFacts extends HeaderFacts {
  /** ENVELOPE, BODY and BODYSTRUCTURE in the spelling that FETCH sends. */
  readonly envelope: Uint8Array
  readonly body: Uint8Array
  readonly bodyStructure: Uint8Array
  /** The day for SENTSINCE and the like: as written, ignoring time and zone. Days since 1970-01-01. RFC 9051 §6.4.4. */
  readonly sentDay?: number
  readonly baseSubject: BaseSubject
}

function headerOf({ header }: Part): Header {
  if (header === undefined) throw new TypeError('not the tree of a whole message: it has no header')
  return header
}

/** @param root the tree of the whole message; of its header, what the structure pass kept. */
export function headerFacts(root: Part): HeaderFacts {
  const header = headerOf(root)
  const date = header.valueOf('date')
  const from = addressesOf(header, 'from')
  const { hopCount, senders, results, blind, deliveredTo } = fieldFacts(header)
  return {
    sent: date === undefined ? undefined : parseDate(date),
    messageIdKeys: messageIdKeys(header),
    hasDate: date !== undefined,
    hasMessageId: header.has('message-id'),
    tlsOptional: header.valueOf('tls-required')?.trim().toLowerCase() === 'no',
    authors: authorsOf(header, 'from', from),
    from,
    beyondLimits: root.defects.includes('headerLimit') || header.truncated || hasTooManyAddresses(header, root),
    hopCount,
    senders,
    results,
    blind,
    deliveredTo,
    isEightBit: header.isEightBit,
  }
}

/** @param known facts that were gathered before. */
export function messageFacts(root: Part, known: HeaderFacts = headerFacts(root)): MessageFacts {
  const header = headerOf(root)
  const {
    sent,
    messageIdKeys,
    hopCount,
    hasDate,
    hasMessageId,
    tlsOptional,
    authors,
    senders,
    from,
    beyondLimits,
    results,
    blind,
    deliveredTo,
    isEightBit,
  } = known
  // No spread: it would cost as much as all the rest, for every message.
  return {
    sent,
    messageIdKeys,
    hopCount,
    hasDate,
    hasMessageId,
    tlsOptional,
    authors,
    senders,
    from,
    beyondLimits,
    results,
    blind,
    deliveredTo,
    isEightBit,
    envelope: Buffer.from(formatEnvelopeFrom(header, from), 'latin1'),
    body: Buffer.from(formatBodyBasic(root), 'latin1'),
    bodyStructure: Buffer.from(formatBodyStructure(root), 'latin1'),
    sentDay: sent?.day,
    baseSubject: baseSubject(header.valueOf('subject') ?? ''),
  }
}

const addressFields = new Set(
  ['', 'resent-'].flatMap((before) => ['from', 'sender', 'to', 'cc', 'bcc', 'reply-to'].map((name) => before + name)),
)

/** Counted only if there is room for too many: the shortest address takes two bytes. */
function hasTooManyAddresses(header: Header, { bodyStart, headerStart }: Part): boolean {
  if (bodyStart - headerStart < 2 * addressesMax) return false
  let count = 0
  for (const field of header.fields) {
    if (!addressFields.has(field.name)) continue
    for (const entry of parseAddressList(header.value(field)))
      count += entry.kind === 'group' ? 1 + entry.members.length : 1
    if (count >= addressesMax) return true
  }
  return false
}

/** Facts from all fields in one pass, since this is done for relayed messages too. */
function fieldFacts(header: Header): Pick<HeaderFacts, 'hopCount' | 'senders' | 'results' | 'blind' | 'deliveredTo'> {
  let hopCount = 0
  const senders: string[] = []
  const results: FieldText[] = []
  const blind: FieldText[] = []
  const deliveredTo: string[] = []
  for (const field of header.fields)
    switch (field.name) {
      case 'received':
        hopCount += 1
        break
      case 'sender':
      case 'resent-from':
      case 'resent-sender':
        if (!senders.includes(field.name)) senders.push(field.name)
        break
      case 'authentication-results':
        results.push(textOf(header, field))
        break
      case 'bcc':
      case 'resent-bcc':
      case 'return-path':
        blind.push(textOf(header, field))
        break
      case 'delivered-to':
        deliveredTo.push(header.value(field).toLowerCase())
    }
  return { hopCount, senders: senders.map((name) => authorsOf(header, name)), results, blind, deliveredTo }
}

function textOf(header: Header, field: HeaderField): FieldText {
  return { start: field.start, end: field.end, value: header.value(field) }
}
