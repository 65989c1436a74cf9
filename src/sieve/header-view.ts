/**
 * The header of the message as a script sees it: decoded, and as far as it was changed. RFC 5228 §2.4.2.2, §5.7; RFC 5293.
 */
import { mailboxesOf, parseAddressList, type AddressMailbox } from '../mail/address-list.ts'
import type { Edit } from '../mail/edit.ts'
import type { Header, HeaderField } from '../mail/header.ts'
import { decodeUnlabelled } from '../mail/mime/charset.ts'
import { decodeEncodedWords } from '../mail/mime/encoded-word.ts'
import { Value, valuesOf } from './value.ts'

/** A field of the message, or one that was added: `raw` is its value as header text, `text` the whole field with its line end. */
export type ViewedField =
  | { readonly kind: 'original'; readonly name: string; readonly field: HeaderField }
  | { readonly kind: 'added'; readonly name: string; readonly raw: string; readonly text: string }

/** A mailbox in a field, as text. */
export interface ViewedAddress {
  readonly localPart: string
  /** Empty if the message gives none. */
  readonly domain: string
}

export class HeaderView {
  readonly #header: Header
  #fields: readonly ViewedField[] | undefined
  #byName: Map<string, readonly ViewedField[]> | undefined
  readonly #values = new Map<string, readonly Value[]>()
  readonly #addresses = new Map<string, readonly ViewedAddress[]>()
  readonly #parts = new Map<string, readonly Value[]>()
  #edits: readonly Edit[] = []

  constructor(header: Header) {
    this.#header = header
  }

  get fields(): readonly ViewedField[] {
    return (this.#fields ??= this.#header.fields.map((field) => ({ kind: 'original', name: field.name, field })))
  }

  /** @param name in lower case. */
  named(name: string): readonly ViewedField[] {
    if (this.#byName === undefined) {
      const byName = new Map<string, ViewedField[]>()
      for (const field of this.fields) {
        const known = byName.get(field.name)
        if (known === undefined) byName.set(field.name, [field])
        else known.push(field)
      }
      this.#byName = byName
    }
    return this.#byName.get(name) ?? []
  }

  /** The values of the fields of that name, unfolded, decoded and trimmed. @param name in any case: each spelling is kept by itself. */
  values(name: string): readonly Value[] {
    let found = this.#values.get(name)
    if (found === undefined) {
      found = this.named(name.toLowerCase()).map((field) => new Value(this.text(field)))
      keep(this.#values, name, found)
    }
    return found
  }

  text(field: ViewedField): string {
    return decodeEncodedWords(this.raw(field)).trim()
  }

  /** Unfolded, a character per byte. */
  raw(field: ViewedField): string {
    return field.kind === 'added' ? field.raw : this.#header.value(field.field)
  }

  /** The mailboxes of the fields of that name, those of groups included. RFC 5228 §5.1. */
  addresses(name: string): readonly ViewedAddress[] {
    let found = this.#addresses.get(name)
    if (found === undefined) {
      found = this.named(name.toLowerCase()).flatMap((field) => this.addressesOf(field))
      keep(this.#addresses, name, found)
    }
    return found
  }

  /** A part of each of them; those that have none are left out. */
  addressParts(
    name: string,
    part: { readonly name: string; of(address: ViewedAddress): string | undefined },
  ): readonly Value[] {
    const key = `${part.name}:${name}`
    let found = this.#parts.get(key)
    if (found === undefined) {
      found = valuesOf(this.addresses(name).flatMap((address) => part.of(address) ?? []))
      keep(this.#parts, key, found)
    }
    return found
  }

  addressesOf(field: ViewedField): ViewedAddress[] {
    return mailboxesOf(parseAddressList(this.raw(field))).map(asText)
  }

  /** Changes of the original bytes that make the header what it is now. */
  get edits(): readonly Edit[] {
    return this.#edits
  }

  /** @param fields what is to be seen from now on: those of before in their order, and others before or behind them. */
  change(fields: readonly ViewedField[]): void {
    this.#fields = fields
    this.#byName = undefined
    this.#values.clear()
    this.#addresses.clear()
    this.#parts.clear()
    this.#edits = this.#editsOf(fields)
  }

  #editsOf(fields: readonly ViewedField[]): Edit[] {
    const kept = new Set(fields.flatMap((field) => (field.kind === 'original' ? [field.field] : [])))
    const edits: Edit[] = []
    const { fields: originals } = this.#header
    const start = originals[0]?.start ?? 0
    const end = originals.at(-1)?.end ?? start
    // Behind the last original that is kept, or behind all: what is added there stands before the blank line.
    const lastKept = fields.findLastIndex(({ kind }) => kind === 'original')
    const before: string[] = []
    const behind: string[] = []
    for (const [at, field] of fields.entries())
      if (field.kind === 'added') (at > lastKept ? behind : before).push(field.text)
    if (before.length > 0) edits.push({ start, end: start, text: before.join('') })
    for (const field of originals) if (!kept.has(field)) edits.push({ start: field.start, end: field.end })
    // A message that was cut within its header has no line end there.
    const isOpen = originals.length > 0 && !this.#header.raw(originals.at(-1)!).endsWith('\n')
    if (behind.length > 0) edits.push({ start: end, end, text: (isOpen ? '\r\n' : '') + behind.join('') })
    return edits
  }
}

/** Names that scripts ask for are few; one that makes them up must not fill the memory. */
const keptMax = 1_000

function keep<Item>(map: Map<string, Item>, key: string, item: Item): void {
  if (map.size < keptMax) map.set(key, item)
}

function asText({ localPart, domain }: AddressMailbox): ViewedAddress {
  return { localPart: eightBit(localPart), domain: eightBit(domain) }
}

/** Header text has a character for each byte. */
function eightBit(text: string): string {
  return /[\x80-\xff]/.test(text) ? decodeUnlabelled(Buffer.from(text, 'latin1')) : text
}
