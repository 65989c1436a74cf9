/** A message as people mean it: who, when, about what, its text, its HTML, its files. Everything is decoded only when it is asked for. */
import { addressesOf } from '../imap/envelope.ts'
import type { AddressEntry } from '../address-list.ts'
import { parseDate, type MessageDate } from '../date.ts'
import { decodeFlowed } from '../compose/flowed.ts'
import type { Header } from '../header.ts'
import { messageIdKeys } from '../message-ids.ts'
import { decodeUnlabelled } from '../mime/charset.ts'
import { decodeEncodedWords } from '../mime/encoded-word.ts'
import { parameterText } from '../mime/parameters.ts'
import { defaultContentType } from '../mime/content-type.ts'
import { leaves, walkParts, type Part } from '../mime/part.ts'
import { parseStructure, type StructureLimits } from '../mime/structure.ts'
import { bodyLists, isMedia, type BodyLists } from './body-lists.ts'
import { htmlToText } from './html-text.ts'
import { contentIdOf, likelyCharset, nameOf, partBytes, partText, typeOf } from './part-content.ts'

/** A mailbox or a group, as text. */
export interface Person {
  /** '' where there is none. */
  readonly name: string
  /** '' for a group. */
  readonly address: string
  /** The members of a group; undefined for a mailbox. */
  readonly members?: readonly Person[]
}

/** An attached file, or another part that is not body text. */
export interface MessageFile {
  readonly part: Part
  readonly type: string
  readonly name: string | undefined
  /** Without brackets: what `cid:` in the HTML refers to. RFC 2392. */
  readonly contentId: string | undefined
  /** The HTML shows it, or its disposition is `inline`. */
  readonly inline: boolean
  /** Bytes of the encoded body: an upper bound of `content().length`. */
  readonly sizeBytes: number
  /** Decoded again with each call; a view of the message if it is not encoded. */
  content(): Uint8Array
}

/** Characters of a preview: two lines of a list. RFC 8621 §4.1.4 allows 256. */
const previewLength = 256

/** Reads a message in memory. Malformed messages do not throw. */
export function readMessage(bytes: Uint8Array, limits?: StructureLimits): ReadMessage {
  return new ReadMessage(bytes, parseStructure(bytes, limits))
}

export class ReadMessage {
  readonly bytes: Uint8Array
  /** The tree of parts, with their ranges and defects. */
  readonly root: Part
  #lists: BodyLists | undefined
  #isPlain: boolean | undefined

  constructor(bytes: Uint8Array, root: Part) {
    this.bytes = bytes
    this.root = root
  }

  get header(): Header {
    return this.root.header!
  }

  /** The text of the first field of that name, decoded; undefined if there is none. */
  text(name: string): string | undefined {
    const value = this.header.valueOf(name.toLowerCase())
    return value === undefined ? undefined : this.#decoded(value)
  }

  /** Most headers have nothing to decode, which one look at all of it tells. */
  #decoded(value: string): string {
    this.#isPlain ??= this.header.isPlain
    return this.#isPlain ? value : decodeEncodedWords(value, this.#charset)
  }

  /** Raw 8-bit text of the header is of the charset that the body names, as its writer had one for both. */
  get #charset(): string | undefined {
    this.#isPlain ??= this.header.isPlain
    return this.#isPlain ? undefined : likelyCharset(this.root)
  }

  /** Every field in order, names as they were written, values unfolded and decoded. */
  get fields(): { readonly name: string; readonly value: string }[] {
    const { header } = this
    return header.fields.map((field) => {
      const raw = header.raw(field)
      return { name: raw.slice(0, raw.indexOf(':')).trimEnd(), value: this.#decoded(header.value(field)) }
    })
  }

  people(name: 'from' | 'sender' | 'reply-to' | 'to' | 'cc' | 'bcc'): readonly Person[] {
    const charset = this.#charset
    return addressesOf(this.header, name).map((entry) => person(entry, charset))
  }

  get subject(): string | undefined {
    return this.text('subject')
  }

  get date(): MessageDate | undefined {
    const value = this.header.valueOf('date')
    return value === undefined ? undefined : parseDate(value)
  }

  /** Without brackets. */
  get messageId(): string | undefined {
    return messageIdKeys(this.header).messageId
  }

  /** Ids of the messages that it replies to, the parent last. */
  get references(): readonly string[] {
    return messageIdKeys(this.header).references
  }

  get bodyLists(): BodyLists {
    return (this.#lists ??= bodyLists(this.root))
  }

  /** The body as plain text; made from the HTML if there is no plain text. undefined: no text at all. */
  get plainText(): string | undefined {
    const texts = this.#texts
    return texts.length === 0 ? undefined : texts.map((part) => this.#plain(part)).join('\n')
  }

  /** The texts of the body; where there is none, what stands in a multipart whose delimiter never comes. */
  get #texts(): Part[] {
    const texts = this.bodyLists.textBody.filter((part) => part.contentType.type === 'text')
    if (texts.length > 0) return texts
    const undivided = [...walkParts(this.root)].filter(
      (part) => part.kind === 'multipart' && part.children.length === 0 && part.bodyEnd > part.bodyStart,
    )
    return undivided.map((part) => ({ ...part, kind: 'text', contentType: defaultContentType, disposition: undefined }))
  }

  /** The body as HTML; plain parts are escaped. undefined if no part is HTML. Not to be trusted: show it only in a sandbox. */
  get html(): string | undefined {
    const texts = this.bodyLists.htmlBody.filter((part) => part.contentType.type === 'text')
    if (!texts.some((part) => typeOf(part) === 'text/html')) return undefined
    return texts
      .map((part) => {
        const { text } = partText(this.bytes, part)
        return typeOf(part) === 'text/html' ? text : `<pre>${escapeHtml(text)}</pre>`
      })
      .join('\n')
  }

  #plain(part: Part): string {
    const { text } = partText(this.bytes, part)
    if (typeOf(part) === 'text/html') return htmlToText(text)
    const { parameters } = part.contentType
    if (parameterText(parameters, 'format')?.toLowerCase() !== 'flowed') return text
    return decodeFlowed(text, parameterText(parameters, 'delsp')?.toLowerCase() === 'yes')
  }

  /**
   * All files, in the order of the message: attachments, images that the HTML shows, and images, audio and video between the texts,
   * which RFC 8621 §4.1.4 counts as body.
   */
  get files(): MessageFile[] {
    const related = new Set<Part>()
    markRelated(this.root, related)
    const { textBody, htmlBody, attachments } = this.bodyLists
    const shown = new Set([...textBody, ...htmlBody].filter(isMedia))
    const files = new Set([...attachments, ...shown])
    return [...leaves(this.root)]
      .filter((part) => files.has(part))
      .map((part) => ({
        part,
        type: typeOf(part),
        name: nameOf(part),
        contentId: contentIdOf(part),
        inline:
          part.disposition?.type !== 'attachment' &&
          (related.has(part) || shown.has(part) || part.disposition?.type === 'inline'),
        sizeBytes: part.bodyEnd - part.bodyStart,
        content: () => partBytes(this.bytes, part),
      }))
  }

  /** Files by Content-ID, the target of `cid:` in the HTML. */
  get byContentId(): ReadonlyMap<string, MessageFile> {
    return new Map(
      this.files.flatMap((file) => (file.contentId === undefined ? [] : [[file.contentId, file] as const])),
    )
  }

  /** Whether a list should show a paper clip: there is a file that is neither inline nor a signature. RFC 8621 §4.1.4 leaves the rule to us. */
  get hasAttachment(): boolean {
    return this.files.some(
      ({ inline, type }) => !inline && type !== 'application/pgp-signature' && type !== 'application/pkcs7-signature',
    )
  }

  /** The beginning of the text in one line. */
  get preview(): string {
    for (const part of this.#texts) {
      const { text } = partText(this.bytes, part)
      const plain = typeOf(part) === 'text/html' ? htmlToText(text, previewLength * 4) : unquoted(text)
      const line = plain.replace(/\s+/g, ' ').trim()
      if (line !== '') return clip(line)
    }
    return ''
  }
}

/** What was answered is known already: a preview shows what is new. */
function unquoted(text: string): string {
  const lines = text.slice(0, previewLength * 16).split(/\r?\n/)
  const own = lines.filter((line) => !line.startsWith('>'))
  return (own.some((line) => line.trim() !== '') ? own : lines).join('\n')
}

function clip(line: string): string {
  if (line.length <= previewLength) return line
  // No half of a surrogate pair.
  const end = /[\ud800-\udbff]/.test(line[previewLength - 1]!) ? previewLength - 1 : previewLength
  return line.slice(0, end)
}

function markRelated(part: Part, into: Set<Part>): void {
  for (const child of part.children) {
    if (part.contentType.subtype === 'related') into.add(child)
    markRelated(child, into)
  }
}

function person(entry: AddressEntry, charset: string | undefined): Person {
  if (entry.kind === 'group') {
    const members = entry.members.map((member) => person(member, charset))
    return { name: decodeEncodedWords(entry.name, charset), address: '', members }
  }
  const { name, localPart, domain } = entry
  // Bytes that are 8-bit are UTF-8 (RFC 6532), or as good as.
  const text = (part: string): string => decodeUnlabelled(Buffer.from(part, 'latin1'))
  const address = domain === '' ? text(localPart) : `${text(localPart)}@${text(domain)}`
  return { name: name === undefined ? '' : decodeEncodedWords(name, charset), address }
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
