/**
 * Composes messages from texts, files and addresses; the MIME structure follows from them. RFC 5322 §3.6, RFC 2046, RFC 2387, RFC 5546, RFC
 * 8058.
 */
import { formatDate } from '../date.ts'
import type { Mailbox } from '../envelope.ts'
import { needsSmtpUtf8 } from '../address.ts'
import { formatField } from '../header-format.ts'
import {
  addressField,
  ComposeFault,
  idField,
  mailboxesOfInput,
  textField,
  type AddressInput,
  type FieldStyle,
} from './fields.ts'
import { encodeFlowed } from './flowed.ts'
import { writePart, type PartDraft, type Source, type WrittenPart } from './part.ts'

/** An attached file, or one that the HTML shows. */
export interface Attachment {
  readonly content: Source
  /** `image/png`. Default: application/octet-stream. message/rfc822 is encoded only if necessary. */
  readonly type?: string
  readonly name?: string
  /** The HTML refers to it by `cid:` and this id; without angle brackets. */
  readonly contentId?: string
  /** Shown within the HTML (multipart/related) instead of listed as an attachment. */
  readonly inline?: boolean
  readonly description?: string
}

export interface MessageDraft {
  readonly from: AddressInput | readonly AddressInput[]
  readonly sender?: AddressInput
  readonly replyTo?: AddressInput | readonly AddressInput[]
  readonly to?: AddressInput | readonly AddressInput[]
  readonly cc?: AddressInput | readonly AddressInput[]
  /** Only in the envelope, not in the header. RFC 5322 §3.6.3. */
  readonly bcc?: AddressInput | readonly AddressInput[]
  readonly subject?: string
  /** With or without angle brackets. */
  readonly messageId?: string
  readonly inReplyTo?: string | readonly string[]
  readonly references?: string | readonly string[]
  readonly text?: string
  readonly html?: string
  /** Text as format=flowed: each line is a paragraph. */
  readonly flowed?: boolean
  /** An invitation, or a reply to one: iCalendar text and its METHOD. RFC 6047 §2.4. */
  readonly calendar?: { readonly method: string; readonly text: string }
  readonly attachments?: readonly Attachment[]
  /** Your own MIME tree, instead of text, html, calendar and attachments. */
  readonly body?: PartDraft
  readonly list?: ListFields
  /** Further fields of plain text, in this order. */
  readonly fields?: readonly (readonly [name: string, value: string])[]
}

/** RFC 2369, RFC 2919, RFC 8058. */
export interface ListFields {
  /** `Name <list.example.org>` or the id alone. */
  readonly id?: string
  readonly help?: string
  readonly unsubscribe?: string | readonly string[]
  /** One click on the https address of `unsubscribe` is enough. RFC 8058 §3.1. */
  readonly oneClick?: boolean
  readonly subscribe?: string
  readonly post?: string | null
  readonly owner?: string
  readonly archive?: string
}

export interface ComposeOptions {
  /** The transfer that is possible: every server takes 7bit; 8bit needs 8BITMIME, binary BINARYMIME. */
  readonly allowed?: '7bit' | '8bit' | 'binary'
  /** Header text in UTF-8, as SMTPUTF8 allows (RFC 6532). Without it names are encoded, and addresses must be ASCII. */
  readonly smtpUtf8?: boolean
  readonly nowMs: number
  readonly offsetMinutes?: number
  /** The right side of a generated Message-ID. */
  readonly hostname: string
  /** Returns unique text of letters and digits, for ids and boundaries. */
  unique(): string
}

export interface ComposedMessage {
  readonly messageId: string
  readonly sender: Mailbox
  /** To, Cc and Bcc, each once. */
  readonly recipients: readonly Mailbox[]
  /** The message must be sent with SMTPUTF8: an address needs it, or the header is in UTF-8. */
  readonly smtpUtf8: boolean
  readonly body: '7bit' | '8bit' | 'binary'
  /** The message in pieces. Only once, if an attachment is a stream. */
  stream(): AsyncGenerator<Uint8Array>
  bytes(): Promise<Uint8Array>
}

export function composeMessage(draft: MessageDraft, options: ComposeOptions): ComposedMessage {
  const style = {
    utf8: options.smtpUtf8 === true,
    allowed: options.allowed ?? '7bit',
    boundary: () => `=_${unique(options)}`,
  }
  const messageId = (draft.messageId ?? `${unique(options)}@${options.hostname}`).trim().replace(/^<(.*)>$/s, '$1')
  const part = writePart(draft.body ?? bodyOf(draft), style)
  const header = `${headerOf(draft, options, style, messageId)}MIME-Version: 1.0\r\n${part.header}\r\n`
  const [from] = listOf(draft.from)
  if (from === undefined) throw new ComposeFault('a message needs a From address')
  const recipients = [...listOf(draft.to), ...listOf(draft.cc), ...listOf(draft.bcc)]
  const mailboxes = mailboxesOfInput(recipients)
  const [sender] = mailboxesOfInput([draft.sender ?? from])
  if (!sender) throw new ComposeFault('a message needs a sender')
  const stream = (): AsyncGenerator<Uint8Array> => streamOf(header, part)
  return {
    messageId,
    sender,
    recipients: [...new Map(mailboxes.map((one) => [`${one.localPart}@${one.domain}`, one])).values()],
    smtpUtf8: /[^\x00-\x7f]/.test(header) || [sender, ...mailboxes].some(needsSmtpUtf8),
    body: part.domain,
    stream,
    async bytes() {
      const pieces: Uint8Array[] = []
      for await (const piece of stream()) pieces.push(piece)
      return Buffer.concat(pieces)
    },
  }
}

async function* streamOf(header: string, part: WrittenPart): AsyncGenerator<Uint8Array> {
  yield Buffer.from(header)
  let last: Uint8Array | undefined
  for await (const piece of part.body()) {
    yield piece
    last = piece
  }
  if (last && last[last.length - 1] !== 10) yield Buffer.from('\r\n')
}

function unique(options: ComposeOptions): string {
  const text = options.unique()
  if (!/^[A-Za-z0-9._-]{8,60}$/.test(text)) throw new TypeError('unique() must give 8 to 60 letters and digits')
  return text
}

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T]
}

/** RFC 5322 §3.6, in the usual order. */
function headerOf(draft: MessageDraft, options: ComposeOptions, style: FieldStyle, messageId: string): string {
  const fields: string[] = [formatField('Date', formatDate(options.nowMs, options.offsetMinutes))]
  const addresses = (name: string, value: MessageDraft['to']): void => {
    const list = listOf(value)
    if (list.length > 0) fields.push(addressField(name, list, style))
  }
  const ids = (name: string, value: string | readonly string[] | undefined): void => {
    const list = listOf(value)
      .flatMap((one) => one.split(/\s+/))
      .filter((one) => one !== '')
    if (list.length > 0) fields.push(idField(name, list))
  }
  addresses('From', draft.from)
  addresses('Sender', draft.sender)
  addresses('Reply-To', draft.replyTo)
  addresses('To', draft.to)
  addresses('Cc', draft.cc)
  fields.push(idField('Message-ID', [messageId]))
  ids('In-Reply-To', draft.inReplyTo)
  ids('References', draft.references)
  if (draft.subject !== undefined) fields.push(textField('Subject', draft.subject, style))
  if (draft.list) fields.push(...listFields(draft.list, style))
  for (const [name, value] of draft.fields ?? []) {
    if (!/^[!-9;-~]+$/.test(name)) throw new ComposeFault(`"${name}" is no field name`)
    fields.push(textField(name, value, style))
  }
  return fields.join('')
}

function listFields(list: ListFields, style: FieldStyle): string[] {
  const fields: string[] = []
  const url = (one: string): string => {
    if (!/^[a-z][a-z0-9+.-]*:[!-;=?-~]+$/i.test(one))
      throw new ComposeFault(`"${one}" is no address of the web or of mail`)
    return `<${one}>`
  }
  const urls = (name: string, value: string | readonly string[] | undefined): void => {
    const all = listOf(value)
    if (all.length > 0) fields.push(formatField(name, all.map(url).join(', ')))
  }
  if (list.id !== undefined) {
    const match = /^(.*?)\s*<([\w.-]+)>\s*$/s.exec(list.id)
    const id = match?.[2] ?? list.id
    if (!/^[\w.-]+$/.test(id)) throw new ComposeFault(`"${id}" is no list id`)
    const name = match?.[1] ?? ''
    fields.push(name === '' ? formatField('List-Id', `<${id}>`) : textField('List-Id', `${name} <${id}>`, style))
  }
  urls('List-Help', list.help)
  urls('List-Unsubscribe', list.unsubscribe)
  if (list.oneClick) {
    if (!listOf(list.unsubscribe).some((one) => one.startsWith('https:')))
      throw new ComposeFault('one-click unsubscription needs an https address (RFC 8058 §3.1)')
    fields.push(formatField('List-Unsubscribe-Post', 'List-Unsubscribe=One-Click'))
  }
  urls('List-Subscribe', list.subscribe)
  if (list.post === null) fields.push(formatField('List-Post', 'NO'))
  else urls('List-Post', list.post)
  urls('List-Owner', list.owner)
  urls('List-Archive', list.archive)
  return fields
}

/** mixed( alternative( text, related( html, images ), calendar ), files ), without levels that would hold a single part. */
function bodyOf(draft: MessageDraft): PartDraft {
  const files = draft.attachments ?? []
  const shown = draft.html === undefined ? [] : files.filter(({ inline }) => inline)
  const others = files.filter((file) => !shown.includes(file))
  const alternatives: PartDraft[] = []
  if (draft.text !== undefined) alternatives.push(textPartOf(draft.text, draft.flowed === true))
  if (draft.html !== undefined) {
    const html: PartDraft = { kind: 'text', subtype: 'html', text: draft.html }
    const related: PartDraft = {
      kind: 'multipart',
      subtype: 'related',
      parts: [html, ...shown.map((file) => filePart(file, 'inline'))],
      // RFC 2387 §3.1: the type of the part that the others belong to.
      parameters: { type: 'text/html' },
    }
    alternatives.push(shown.length === 0 ? html : related)
  }
  if (draft.calendar) {
    const { method, text } = draft.calendar
    if (!/^[A-Za-z-]+$/.test(method)) throw new ComposeFault(`"${method}" is no calendar method`)
    alternatives.push({ kind: 'text', subtype: 'calendar', text, parameters: { method: method.toUpperCase() } })
  }
  const listed = others.map((file) => filePart(file, 'attachment'))
  if (alternatives.length === 0 && listed.length === 0) return textPartOf('', false)
  const main: PartDraft[] =
    alternatives.length > 1 ? [{ kind: 'multipart', subtype: 'alternative', parts: alternatives }] : alternatives
  const parts = [...main, ...listed]
  if (parts.length === 1) return parts[0]!
  return { kind: 'multipart', subtype: 'mixed', parts }
}

function textPartOf(text: string, flowed: boolean): PartDraft {
  return { kind: 'text', subtype: 'plain', text: flowed ? encodeFlowed(text) : text, flowed }
}

function filePart(file: Attachment, disposition: 'inline' | 'attachment'): PartDraft {
  const { content, name, contentId, description } = file
  const about = { disposition, fileName: name, contentId, description }
  const type = (file.type ?? 'application/octet-stream').toLowerCase()
  if (type === 'message/rfc822' && content instanceof Uint8Array) return { ...about, kind: 'message', content }
  return { ...about, kind: 'data', type, content }
}
