/** FETCH and UID FETCH. RFC 3501 §6.4.5. */
import type { ModSeq } from '../../../mail/ids.ts'
import { seenBit } from '../../../mail/flags.ts'
import { formatInternalDate } from '../../../mail/internal-date.ts'
import { ImapRefusal } from '../backend.ts'
import type { FetchNeed, FetchRow } from '../backend.ts'
import { condstore, enableCondstore, modifier } from '../condstore.ts'
import { command } from '../command.ts'
import type { Conversation } from '../command.ts'
import { sendBinary } from '../fetch/binary.ts'
import { MessageCursor } from '../fetch/flags.ts'
import { fetchItems } from '../fetch/items.ts'
import type { BinaryItem, FetchItem } from '../fetch/items.ts'
import { fromTables } from '../fetch/table-lines.ts'
import { rangesOf, saysAtOnce, sendSection } from '../fetch/section.ts'
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

  async *run(conversation, { messages, items, changedSince }) {
    const { view, selected, byUid } = conversation
    if (items.some(({ kind }) => kind === 'modSeq')) enableCondstore(conversation)
    const named = view.resolve(messages, byUid)
    const uids = changedSince === undefined ? named : changed(conversation, named, changedSince)
    const need = needOf(items)
    let found = 0
    let known = true
    let damaged = 0
    if (!need) {
      found = yield* fromTables(conversation, items, uids)
    } else if (uids.length > 0) {
      for await (const page of selected.fetch(uids, need)) {
        found += page.length
        const readable = page.filter(({ problem }) => problem === undefined)
        damaged += page.length - readable.length
        if (!(yield* fromRows(conversation, items, readable))) known = false
      }
    }
    // RFC 5530 §3. Each message that can be read was sent.
    if (damaged > 0) throw new ImapRefusal('CORRUPTION', damagedWords(damaged))
    if (!known) throw new ImapRefusal('UNKNOWN-CTE', 'A part has an unknown transfer encoding')
    // RFC 2180 §4.1, RFC 9051 §7.1: numbers that stand for nothing any more are worth a word; unknown UIDs are not.
    if (byUid || found === uids.length) return
    if (found === 0) throw new ImapRefusal('EXPUNGEISSUED', 'The messages no longer exist')
    conversation.completed('EXPUNGEISSUED', 'Some of the messages no longer exist')
  },
})

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

async function* fromRows(conversation: Conversation, items: readonly FetchItem[], page: readonly FetchRow[]) {
  const { view, selected, out } = conversation
  const marked = await markSeen(conversation, items, page)
  const { flagsLow, flagsHigh, modSeqs } = selected.table()
  const encoder = view.flags(out)
  const cursor = new MessageCursor(view)
  const flagsAsked = items.some(({ kind }) => kind === 'flags')
  const modSeqOwed = conversation.enabled.has(condstore) && !items.some(({ kind }) => kind === 'modSeq')
  let known = true
  for (const row of page) {
    const index = cursor.find(row.uid)
    // Not told to this session, or gone between the page and now with its flags: it has no number or nothing to say.
    if (cursor.sequence === 0) continue
    out.begin()
    out.text(`* ${cursor.sequence} FETCH (`)
    let text = ''
    for (let at = 0; at < items.length; at++) {
      const item = items[at]!
      if (at > 0) text += ' '
      if (item.kind === 'flags') text += flagsText(index)
      else if (item.kind === 'modSeq') text += `MODSEQ (${index < 0 ? 1 : modSeqs[index]})`
      else if (item.kind !== 'section' && !isBinary(item)) text += simpleText(item, row)
      else {
        if (text !== '') out.text(text)
        text = ''
        const bytes = row.bytes!
        if (item.kind !== 'section') {
          if (!(yield* sendBinary(conversation, row.uid, item, bytes))) known = false
          continue
        }
        const whole = rangesOf(conversation, row.uid, bytes, item.section)
        const ranges = whole instanceof Promise ? await whole : whole
        if (!ranges) text = `${item.label} NIL`
        else if (!saysAtOnce(out, item, bytes, ranges)) yield* sendSection(out, item, bytes, ranges)
      }
    }
    if (marked?.has(row.uid)) {
      if (!flagsAsked) text += ` ${flagsText(index)}`
      if (modSeqOwed && index >= 0) text += ` MODSEQ (${modSeqs[index]})`
    }
    out.text(text + ')\r\n')
    out.end()
    if (out.full) yield out.take()

    function flagsText(at: number): string {
      return flagsOf(conversation, encoder, row.uid, at < 0 ? 0 : flagsLow[at]!, at < 0 ? 0 : flagsHigh[at]!)
    }
  }
  return known
}

function isBinary(item: FetchItem): item is BinaryItem {
  return item.kind === 'binary' || item.kind === 'binarySize'
}

function flagsOf({ view }: Conversation, encoder: FlagEncoder, uid: number, low: number, high: number): string {
  return `FLAGS (${view.listed(encoder.encode(low, high), uid)})`
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

/** One change for a page: who reads BODY[] has seen it. Answers the UIDs whose flags changed; they are told with the message. */
async function markSeen(conversation: Conversation, items: readonly FetchItem[], page: readonly FetchRow[]) {
  const { view, selected } = conversation
  if (selected.readOnly || !items.some((item) => 'marksSeen' in item && item.marksSeen)) return undefined
  const { flagsLow } = selected.table()
  const cursor = new MessageCursor(view)
  const unseen: number[] = []
  for (const { uid } of page) {
    const index = cursor.find(uid)
    if (index >= 0 && (flagsLow[index]! & seenBit) === 0) unseen.push(uid)
  }
  if (unseen.length === 0) return undefined
  const { modSeq } = await selected.store(Uint32Array.from(unseen), 'add', ['\\Seen'])
  view.own(modSeq)
  return new Set(unseen)
}
