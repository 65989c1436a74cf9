/** FETCH and UID FETCH. RFC 3501 §6.4.5. */
import { seenBit } from '../../../mail/flags.ts'
import type { ModSeq } from '../../../mail/ids.ts'
import { formatInternalDate } from '../../../mail/internal-date.ts'
import { ImapRefusal } from '../backend.ts'
import type { FetchNeed, FetchPages, FetchRow, MessageTable } from '../backend.ts'
import { condstore, enableCondstore, modifier } from '../condstore.ts'
import { command } from '../command.ts'
import type { Conversation } from '../command.ts'
import { sendBinary } from '../fetch/binary.ts'
import { MessageCursor } from '../fetch/flags.ts'
import { fetchItems } from '../fetch/items.ts'
import type { BinaryItem, FetchItem, SectionItem } from '../fetch/items.ts'
import { rangesOf, saysAtOnce, sendSection } from '../fetch/section.ts'
import { fromTables } from '../fetch/table-lines.ts'
import type { FlagEncoder } from '../wire/flag-list.ts'

export const fetch = command({
  name: 'FETCH',
  uid: true,
  states: ['selected'],
  tellsExpunge: 'uid',

  grammar(line, { byUid }) {
    line.space()
    const messages = line.sequenceSet()
    line.space()
    const items = fetchItems(line)
    // RFC 3501 §6.4.8: the UID form tells the UID, asked or not.
    if (byUid && !items.some(({ kind }) => kind === 'uid')) items.unshift({ kind: 'uid' })
    const changedSince = line.tries(' ') ? modifier(line, 'CHANGEDSINCE') : undefined
    if (changedSince !== undefined && !items.some(({ kind }) => kind === 'modSeq')) items.push({ kind: 'modSeq' })
    return { messages, items, changedSince }
  },

  run(conversation, { messages, items, changedSince }) {
    const { view, selected, byUid } = conversation
    if (items.some(({ kind }) => kind === 'modSeq')) enableCondstore(conversation)
    const named = view.resolve(messages, byUid)
    const uids = changedSince === undefined ? named : changed(conversation, named, changedSince)
    const need = needOf(items)
    if (!need) {
      // What fits one buffer is done at once: a generator and its promises cost more than some lines.
      const lines = fromTables(conversation, items, uids)
      const first = lines.next()
      return first.done ? ends(conversation, uids, first.value) : streamed(conversation, uids, first.value, lines)
    }
    if (uids.length === 0) return ends(conversation, uids, 0)
    const pages = selected.fetch(uids, need)
    const row = uids.length === 1 ? pages.whole?.[0] : undefined
    if (row && saysRowAtOnce(conversation, items, row)) return ends(conversation, uids, 1)
    return paged(conversation, items, uids, pages)
  },
})

async function* streamed(
  conversation: Conversation,
  uids: Uint32Array,
  first: Uint8Array,
  lines: ReturnType<typeof fromTables>,
) {
  yield first
  ends(conversation, uids, yield* lines)
}

async function* paged(conversation: Conversation, items: readonly FetchItem[], uids: Uint32Array, pages: FetchPages) {
  let found = 0
  let known = true
  let damaged = 0
  for await (const page of pages) {
    found += page.length
    const readable = page.filter(({ problem }) => problem === undefined)
    damaged += page.length - readable.length
    if (!(yield* fromRows(conversation, items, readable))) known = false
  }
  // RFC 5530 §3. Each message that can be read was sent.
  if (damaged > 0) throw new ImapRefusal('CORRUPTION', damagedWords(damaged))
  if (!known) throw new ImapRefusal('UNKNOWN-CTE', 'A part has an unknown transfer encoding')
  ends(conversation, uids, found)
}

/** RFC 2180 §4.1, RFC 9051 §7.1: numbers that stand for nothing any more are worth a word; unknown UIDs are not. */
function ends(conversation: Conversation, uids: Uint32Array, found: number): void {
  if (conversation.byUid || found === uids.length) return
  if (found === 0) throw new ImapRefusal('EXPUNGEISSUED', 'The messages no longer exist')
  conversation.completed('EXPUNGEISSUED', 'Some of the messages no longer exist')
}

function damagedWords(count: number): string {
  return count === 1 ? 'One message cannot be read from the disk' : `${count} messages cannot be read from the disk`
}

/** Those that changed after this mod-sequence. RFC 7162 §3.1.4.1. */
function changed({ view, selected }: Conversation, uids: Uint32Array, since: ModSeq): Uint32Array {
  const { modSeqs } = selected.table()
  const cursor = new MessageCursor(view)
  return uids.filter((uid) => {
    const index = cursor.find(uid)
    return index >= 0 && modSeqs[index]! > since
  })
}

const inTables: ReadonlySet<FetchItem['kind']> = new Set(['flags', 'uid', 'modSeq'])

/** Undefined when the tables in memory hold everything. */
function needOf(items: readonly FetchItem[]): FetchNeed | undefined {
  const kinds = new Set(items.map(({ kind }) => kind))
  if ([...kinds].every((kind) => inTables.has(kind))) return undefined
  return {
    envelope: kinds.has('envelope'),
    body: kinds.has('body'),
    bodyStructure: kinds.has('bodyStructure'),
    internalDate: kinds.has('internalDate'),
    size: kinds.has('size'),
    bytes: kinds.has('section') || kinds.has('binary') || kinds.has('binarySize'),
  }
}

/** @returns false when a part has an unknown transfer encoding. */
async function* fromRows(conversation: Conversation, items: readonly FetchItem[], page: readonly FetchRow[]) {
  const { out } = conversation
  const unseen = toBeSeen(conversation, items, page)
  if (unseen.length > 0) await markSeen(conversation, unseen)
  const lines = new RowLines(conversation, items)
  const marked = new Set(unseen)
  let known = true
  for (const row of page) {
    if (!lines.begin(row)) continue
    for (let at = lines.say(row, 0); at < items.length; at = lines.say(row, at + 1)) {
      const item = items[at]!
      if (isBinary(item)) {
        if (!(yield* sendBinary(conversation, row.uid, item, row.bytes!))) known = false
      } else if (item.kind === 'section') {
        const ranges = await rangesOf(conversation, row.uid, row.bytes!, item.section)
        if (!ranges) out.text(`${item.label} NIL`)
        else if (!saysAtOnce(out, item, row.bytes!, ranges)) yield* sendSection(out, item, row.bytes!, ranges)
      }
    }
    lines.end(row, marked.has(row.uid))
    if (out.full) yield out.take()
  }
  return known
}

/** The same for one message that needs nothing more from disk or network. False: nothing was said. */
function saysRowAtOnce(conversation: Conversation, items: readonly FetchItem[], row: FetchRow): boolean {
  if (row.problem !== undefined || !items.every(isPlain)) return false
  if (toBeSeen(conversation, items, [row]).length > 0) return false
  const lines = new RowLines(conversation, items)
  if (!lines.begin(row)) return true
  if (lines.say(row, 0) < items.length) {
    conversation.out.rollback()
    return false
  }
  lines.end(row, false)
  return true
}

/** Says lines item by item, as far as nothing has to be waited for. */
class RowLines {
  readonly #conversation: Conversation
  readonly #items: readonly FetchItem[]
  readonly #encoder: FlagEncoder
  readonly #cursor: MessageCursor
  /** As it was when the lines were begun: an expunge makes another. */
  readonly #table: MessageTable
  #index = -1

  constructor(conversation: Conversation, items: readonly FetchItem[]) {
    this.#conversation = conversation
    this.#items = items
    this.#encoder = conversation.view.flags(conversation.out)
    this.#cursor = new MessageCursor(conversation.view)
    this.#table = conversation.selected.table()
  }

  /** False: not told to this session, or gone between the page and now with its flags: it has no number or nothing to say. */
  begin(row: FetchRow): boolean {
    const { out } = this.#conversation
    this.#index = this.#cursor.find(row.uid)
    if (this.#cursor.sequence === 0) return false
    out.begin()
    out.text(`* ${this.#cursor.sequence} FETCH (`)
    return true
  }

  /** @returns the item that has to be waited for; their number when all from `from` on are said. */
  say(row: FetchRow, from: number): number {
    const { out } = this.#conversation
    const items = this.#items
    let text = ''
    for (let at = from; at < items.length; at++) {
      const item = items[at]!
      if (at > 0) text += ' '
      if (item.kind === 'flags') text += this.#flags(row.uid)
      else if (item.kind === 'modSeq') text += this.#modSeq()
      else if (item.kind !== 'section' && !isBinary(item)) text += simpleText(item, row)
      else {
        out.text(text)
        text = ''
        const isSaid =
          item.kind === 'section' && isWhole(item) && saysAtOnce(out, item, row.bytes!, [[0, row.bytes!.sizeBytes]])
        if (!isSaid) return at
      }
    }
    out.text(text)
    return items.length
  }

  /** `marked`: its \Seen was set by this command, and is told with it. */
  end(row: FetchRow, marked: boolean): void {
    const { out, enabled } = this.#conversation
    const asked = (kind: FetchItem['kind']): boolean => this.#items.some((item) => item.kind === kind)
    if (marked && !asked('flags')) out.text(` ${this.#flags(row.uid)}`)
    if (marked && this.#index >= 0 && enabled.has(condstore) && !asked('modSeq')) out.text(` ${this.#modSeq()}`)
    out.text(')\r\n')
    out.end()
  }

  #flags(uid: number): string {
    const { view } = this.#conversation
    const { flagsLow, flagsHigh } = this.#table
    const at = this.#index
    const list = at < 0 ? this.#encoder.encode(0, 0) : this.#encoder.encode(flagsLow[at]!, flagsHigh[at]!)
    return `FLAGS (${view.listed(list, uid)})`
  }

  #modSeq(): string {
    return `MODSEQ (${this.#index < 0 ? 1 : this.#table.modSeqs[this.#index]})`
  }
}

function isBinary(item: FetchItem): item is BinaryItem {
  return item.kind === 'binary' || item.kind === 'binarySize'
}

/** Nothing of the message has to be looked into. */
function isPlain(item: FetchItem): boolean {
  return item.kind === 'section' ? isWhole(item) : !isBinary(item)
}

function isWhole({ section }: SectionItem): boolean {
  return section.part.length === 0 && section.text === undefined
}

function simpleText(item: FetchItem, row: FetchRow): string {
  switch (item.kind) {
    case 'uid':
      return `UID ${row.uid}`
    case 'envelope':
      return `ENVELOPE ${row.envelope}`
    case 'body':
      return `BODY ${row.body}`
    case 'bodyStructure':
      return `BODYSTRUCTURE ${row.bodyStructure}`
    case 'internalDate':
      return `INTERNALDATE "${formatInternalDate(row.internalDate!)}"`
    case 'size':
      return `RFC822.SIZE ${row.sizeBytes}`
  }
  return ''
}

/** Who reads BODY[] has seen it: those whose \Seen this command sets. */
function toBeSeen(
  { view, selected }: Conversation,
  items: readonly FetchItem[],
  page: readonly FetchRow[],
): readonly number[] {
  if (selected.readOnly || !items.some((item) => 'marksSeen' in item && item.marksSeen)) return []
  const { flagsLow } = selected.table()
  const cursor = new MessageCursor(view)
  const unseen: number[] = []
  for (const { uid } of page) {
    const index = cursor.find(uid)
    if (index >= 0 && (flagsLow[index]! & seenBit) === 0) unseen.push(uid)
  }
  return unseen
}

/** One change for a page; the new flags are told with the messages. */
async function markSeen({ view, selected }: Conversation, uids: readonly number[]): Promise<void> {
  const { modSeq } = await selected.store(Uint32Array.from(uids), 'add', ['\\Seen'])
  view.own(modSeq)
}
